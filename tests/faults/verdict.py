"""What came of a campaign: all checks on its history and its data, and figures."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chaos import check_data, check_told
from history import load
from rich.table import Table
from waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from campaign import Campaign
    from deployments import Deployment
    from history import Call
    from rich.console import Console

HOLDER = {"report", "finish", "fail"}
CLEAN_SECONDS = 30


@dataclass
class Result:
    """Figures of one campaign, and `findings`: sentences on what must not be."""

    seed: int
    server: str
    minutes: float
    seconds: float
    folder: str
    findings: list[str]
    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    def show(self, console: Console) -> None:
        """Print it as tables."""
        console.print(_table("calls", ["op", "ok", "refused", "unknown"], self._call_rows()))
        console.print(_table("faults", ["kind", "times"], sorted(self.faults.items())))
        console.print(_table("figures", ["what", "value"], self.figures.items()))
        for finding in self.findings:
            console.print(f"VIOLATION: {finding}", style="red", soft_wrap=True, markup=False)
        verdict = f"{len(self.findings)} violations" if self.findings else "no violation"
        console.print(
            f"{verdict}: SEED={self.seed} SERVER={self.server} MINUTES={self.minutes:g} "
            f"in {self.seconds:.0f} s, histories in {self.folder}",
            soft_wrap=True,
        )

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def _call_rows(self) -> list[tuple[Any, ...]]:
        outcomes = ("ok", "refused", "unknown")
        return [(op, *(row.get(o, 0) for o in outcomes)) for op, row in sorted(self.calls.items())]


def judge(campaign: Campaign, seconds: float) -> Result:
    """Check everything, and count."""
    world = campaign.world
    findings = [*world.findings, *world.operator.findings, *_check_data(world.deployment)]
    findings += [
        f"replica {number} logged a traceback, see {replica.directory}"
        for number, replica in enumerate(world.deployment.replicas)
        if "Traceback" in replica.log
    ]
    calls, _ = load(campaign.folder)
    try:
        rerun = {call.instance for call in calls if call.op == "rerun"}
        check_told([call for call in calls if call.instance not in rerun])
    except AssertionError as error:
        findings.append(f"the history is not possible: {error}")
    result = Result(
        campaign.seed,
        campaign.server,
        campaign.seconds / 60,
        round(seconds, 1),
        str(campaign.folder),
        findings,
    )
    result.calls = _outcomes(calls)
    result.faults = dict(Counter(note.kind for note in world.notes))
    result.figures = _figures(calls) | {
        "pipelines": world.operator.started,
        "instances": world.operator.instances,
    }
    return result


def _check_data(deployment: Deployment) -> list[str]:
    """Check the data set, once all clean-up is done."""
    try:
        wait_until(lambda: _at_rest(deployment), CLEAN_SECONDS)
        check_data(deployment.store)
    except (AssertionError, TimeoutError) as error:
        return [f"the data set is not sound: {error}"]
    return []


def _at_rest(deployment: Deployment) -> bool:
    """Whether no timer is left."""
    found = 0
    for server in deployment.store.primaries():
        with server.client() as client:
            found += len(list(client.scan_iter("*:timers")))
    return not found


def _outcomes(calls: list[Call]) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for call in calls:
        counted[call.op][call.outcome] += 1
    return {op: dict(counter) for op, counter in counted.items()}


def _figures(calls: list[Call]) -> dict[str, float]:
    grants: dict[str, dict[str, Call]] = defaultdict(dict)
    results = {c.handle: c for c in calls if c.op in {"finish", "fail"} and c.outcome == "ok"}
    for call in calls:
        if call.verdict == "granted":
            grants[call.instance].setdefault(call.handle, call)
    lost, slowest = 0, 0.0
    for given in grants.values():
        for one, two in pairwise(sorted(given.values(), key=lambda call: call.token)):
            ended = results.get(one.handle)
            lost += ended is None or ended.verdict not in {"accepted", "repeat"}
            if ended is not None and ended.op == "fail" and ended.verdict == "accepted":
                slowest = max(slowest, two.returned - ended.returned)
    stale = [c for c in calls if c.op in HOLDER and _is_stale(c)]
    return {
        "calls": len(calls),
        "hand-outs": sum(map(len, grants.values())),
        "leases lost or canceled": lost,
        "stale calls refused": len(stale),
        "slowest hand-out of a retry, s": round(slowest, 2),
    }


def _is_stale(call: Call) -> bool:
    return call.verdict == "superseded" or (call.outcome == "refused" and call.op != "report")


def _table(title: str, columns: list[str], rows: Any) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(str, row))
    return table
