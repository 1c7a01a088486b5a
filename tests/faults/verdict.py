"""What came of a campaign: all checks on its history and its data, and figures."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from chaos import check_data
from deployments import SETTINGS
from history import load
from history_checks import HistoryError, Summary, check_history
from history_options import Options
from rich.table import Table
from waiting import wait_until

if TYPE_CHECKING:
    from campaign import Campaign
    from deployments import Deployment
    from rich.console import Console
    from workload import Operator

CLEAN_SECONDS = 30
OPTIONS = "options.json"
UNSEEN = "unseen"


@dataclass
class Result:
    """Figures of one campaign, and `findings`: sentences on what must not be."""

    seed: int
    server: str
    minutes: float
    clock: bool
    seconds: float
    folder: str
    findings: list[str]
    calls: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    def show(self, console: Console) -> None:
        """Print it as tables."""
        console.print(_table("calls", ["op", "told", "times"], self._call_rows()))
        console.print(_table("faults", ["kind", "times"], self.faults.items()))
        console.print(_table("figures", ["what", "value"], self.figures.items()))
        for finding in self.findings:
            console.print(f"VIOLATION: {finding}", style="red", soft_wrap=True, markup=False)
        verdict = f"{len(self.findings)} violations" if self.findings else "no violation"
        console.print(
            f"{verdict}: SEED={self.seed} SERVER={self.server} MINUTES={self.minutes:g}"
            f"{' CLOCK=1' * self.clock} "
            f"in {self.seconds:.0f} s, histories in {self.folder}",
            soft_wrap=True,
        )

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def _call_rows(self) -> list[tuple[Any, ...]]:
        return [(op, what, n) for op, told in self.calls.items() for what, n in told.items()]


def judge(campaign: Campaign, seconds: float) -> Result:
    """Check everything, and count."""
    world = campaign.world
    findings = [*world.findings, *world.operator.findings, *_check_data(world.deployment)]
    for number, replica in enumerate(world.deployment.replicas):
        (campaign.folder / f"replica-{number}.log").write_text(replica.log)
        if "Traceback" in replica.log:
            findings.append(f"replica {number} logged a traceback")
    options = _options(world.operator, clock=campaign.clock)
    (campaign.folder / OPTIONS).write_bytes(msgspec.json.encode(options))
    (campaign.folder / UNSEEN).write_text("\n".join(world.operator.unseen))
    told, summary = check_folder(campaign.folder)
    result = Result(
        campaign.seed,
        campaign.server,
        campaign.seconds / 60,
        campaign.clock,
        round(seconds, 1),
        str(campaign.folder),
        findings + told,
    )
    result.calls = summary.calls
    result.faults = dict(sorted(Counter(note.kind for note in world.notes).items()))
    result.figures = {
        "pipelines": world.operator.started,
        **summary.figures(),
        "all ready after healing, s": round(campaign.healed_in, 1),
    }
    return result


def check_folder(folder: Path) -> tuple[list[str], Summary]:
    """Check the history in a folder; return what is wrong with it, and figures."""
    options = Options(**msgspec.json.decode((folder / OPTIONS).read_bytes()))
    unseen = set((folder / UNSEEN).read_text().split())
    calls, faults = load(folder)
    calls = [call for call in calls if call.pipeline not in unseen]
    try:
        return [], check_history(calls, faults, options)
    except HistoryError as error:
        return [f"the history is not possible: {error}"], error.summary


def _options(operator: Operator, *, clock: bool) -> Options:
    names = ("ack_timeout", "progress_timeout", "outage_threshold", "outage_grace")
    times = {name: float(SETTINGS[name.upper()]) for name in names}
    return Options(
        **times,
        max_lost=SETTINGS["MAX_LOST_LEASES"],
        timing=not clock,
        activated=operator.activated,
        needs=operator.needs,
        final=operator.final,
        read_at=operator.read_at,
    )


def _check_data(deployment: Deployment) -> list[str]:
    """Check the data set, once all clean-up is done."""
    try:
        wait_until(lambda: _at_rest(deployment), CLEAN_SECONDS)
        check_data(deployment.store, clock=not deployment.clock)
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


def _table(title: str, columns: list[str], rows: Any) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    for row in rows:
        table.add_row(*map(str, row))
    return table


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
def main(folder: Path) -> None:
    """Check the history that a campaign left in a folder once more."""
    findings, summary = check_folder(folder)
    for finding in findings:
        click.echo(finding)
    click.echo(summary.figures())
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()
