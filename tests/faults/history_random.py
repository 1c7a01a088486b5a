"""Histories thrown by dice: what a coordinator that keeps its promises could have answered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from history import Call, Fault
from history_builder import INSTANCE, OPTIONS, PIPELINE
from lease_model import LeaseModel
from lease_state import ENDED, FREE, HELD, State, answers

if TYPE_CHECKING:
    import random

    from history_options import Options

EVENTS = 25
WEIGHTS = {
    "poll": 6,
    "report": 6,
    "finish": 3,
    "fail": 2,
    "cancel": 1,
    "rerun": 2,
    "delete": 0.1,
    "hidden": 5,
    "wait": 2,
}
OUTAGE = Fault(kind="outage", target="all", began=6.0, ended=10.0)


class Simulation:
    """One task and its clients; `run` gives the history.

    Each event happens at a moment, in the order of the moments; its call began some time before,
    and was answered some time after, or never.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.faults = [OUTAGE] if chance.random() < 0.3 else []
        self.model = LeaseModel(OPTIONS, self.faults)
        self.state: State = self.model.begin(0.0)
        self.now = 0.0
        self.calls: list[Call] = []
        self._handles: dict[str, int] = {}  # and their attempts

    def run(self) -> list[Call]:
        """Let some things happen."""
        for _ in range(EVENTS):
            self.now += self.chance.choice([0.01, 0.1, 0.5])
            for fault in self.faults:
                if fault.began <= self.now < fault.ended:
                    self.now = fault.ended + 0.001
            (kind,) = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            getattr(self, f"_{kind}", lambda kind=kind: self._ask(kind))()
        return self.calls

    @property
    def options(self) -> Options:
        """With the status at the end."""
        task = self.state.task
        words = {FREE: "READY", HELD: "RUNNING", "DELETED": "gone"}
        final = {INSTANCE: words.get(task.phase, task.phase)}
        read_at = max([self.now, *(call.returned or 0 for call in self.calls)]) + 1
        activated = {INSTANCE: -0.5}
        return replace(OPTIONS, activated=activated, final=final, read_at=read_at, ended=False)

    def _wait(self) -> None:
        self.now += self.chance.uniform(0.5, 3)

    def _hidden(self) -> None:
        """What happens without a call, if it may have happened by now."""
        may = [state for state in self.model.hidden(self.state) if state.times.now <= self.now]
        if may:
            self.state = self.chance.choice(may)

    def _poll(self) -> None:
        if self.state.task.phase == FREE and self.state.times.free <= self.now:
            handle, attempt = f"handle-{len(self._handles)}", self.state.task.attempt
            self._handles[handle] = attempt
            self._happen("poll", "granted", handle)
        elif self.state.task.phase == HELD and not self.state.task.acked:
            self._happen("poll", "granted", self.state.task.handle)

    def _ask(self, kind: str) -> None:
        operator = kind in {"cancel", "rerun", "delete"}
        if operator or self._handles:
            handle = "" if operator else self.chance.choice([*self._handles][-3:])
            self._happen(kind, "", handle)

    def _happen(self, op: str, verdict: str, handle: str) -> None:
        """Carry a call out at this moment, and write down what its client knows of it."""
        client = f"of {handle}" if handle else "operator"
        call = Call(client=client, op=op, invoked=self.now, pipeline=PIPELINE, handle=handle)
        if op != "poll":
            outcome, verdict = self.chance.choice(sorted(answers(self.state.task, call)))
        else:
            outcome = "ok"
        attempt, token = self._handles.get(handle, 0), [*self._handles, ""].index(handle) + 1
        instance = "" if op == "delete" else INSTANCE
        call = msgspec.structs.replace(
            call, outcome=outcome, verdict=verdict, attempt=attempt, instance=instance
        )
        call = msgspec.structs.replace(call, token=token if handle else 0, returned=self.now)
        self._write(call)

    def _write(self, call: Call) -> None:
        began = self.now - self.chance.choice([0.0, 0.005, 0.2])
        ended = self.now + self.chance.choice([0.0, 0.005, 0.2])
        lost = call.op != "poll" and self.chance.random() < 0.15
        if not lost or self.chance.random() < 0.5:
            after = list(self.model.after(self.state, call)) if call.outcome == "ok" else []
            self.state = self.chance.choice(after) if after else self.state
        if lost:
            ended, call = None, msgspec.structs.replace(call, outcome="unknown", verdict="")
        self.calls.append(msgspec.structs.replace(call, invoked=began, returned=ended))


# Corruptions: each makes a history impossible, or returns None where it is about nothing.


def _append(calls: list[Call], like: Call, **changes: object) -> list[Call]:
    """Add a call after all others."""
    end = max([call.returned or call.invoked for call in calls]) + 1
    return [*calls, msgspec.structs.replace(like, invoked=end, returned=end + 0.1, **changes)]


def _of(calls: list[Call], verdict: str, *ops: str) -> list[Call]:
    return [call for call in calls if call.verdict == verdict and call.op in ops]


def second_result(calls: list[Call], chance: random.Random) -> list[Call] | None:
    """A result is accepted again."""
    found = _of(calls, "accepted", "finish", "fail")
    return _append(calls, chance.choice(found)) if found else None


def older_handle(calls: list[Call], chance: random.Random) -> list[Call] | None:
    """A report is accepted from an older handle."""
    granted = _of(calls, "granted", "poll")
    latest = max((call.token for call in granted), default=0)
    older = [call for call in granted if call.token < latest]
    if not older:
        return None
    return _append(calls, chance.choice(older), op="report", verdict="accepted")


def resurrection(calls: list[Call], chance: random.Random) -> list[Call] | None:
    """A handle that was told that its lease was lost is accepted again."""
    found = _of(calls, "superseded", "report")
    return _append(calls, chance.choice(found), verdict="accepted") if found else None


def token_back(calls: list[Call], chance: random.Random) -> list[Call] | None:
    """A new handle has a token of before."""
    granted = _of(calls, "granted", "poll")
    if not granted:
        return None
    like = chance.choice(granted)
    return _append(calls, like, handle="new", token=like.token - 1)


def skipped_attempt(calls: list[Call], chance: random.Random) -> list[Call] | None:
    """A hand-out is of an attempt that cannot have come yet."""
    granted = _of(calls, "granted", "poll")
    if not granted:
        return None
    like = chance.choice(granted)
    attempt = like.attempt + EVENTS
    return [msgspec.structs.replace(c, attempt=attempt) if c is like else c for c in calls]


def foreign_handle(calls: list[Call], chance: random.Random) -> list[Call] | None:
    """Another client is given the handle, too."""
    granted = _of(calls, "granted", "poll")
    return _append(calls, chance.choice(granted), client="another") if granted else None


def stolen(calls: list[Call], chance: random.Random) -> list[Call] | None:
    """The history ends with a report that is accepted, and another hand-out right after it."""
    reports = [
        report
        for report in _of(calls, "accepted", "report")
        if not any(_overlaps(call, report) for call in calls if call is not report)
    ]
    if not reports:
        return None
    last = chance.choice(reports)
    kept = [call for call in calls if call.returned is not None and call.returned <= last.returned]
    theft = {"op": "poll", "verdict": "granted", "handle": "new", "token": EVENTS + 1}
    times = {"invoked": last.returned + 0.001, "returned": last.returned + 0.002}
    attempt = last.attempt + chance.choice([0, 1])
    return [*kept, msgspec.structs.replace(last, **theft, **times, attempt=attempt, client="new")]


def _overlaps(one: Call, two: Call) -> bool:
    ends = [call.returned or call.invoked for call in (one, two)]
    return one.invoked <= ends[1] and two.invoked <= ends[0]


def after_the_end(calls: list[Call], chance: random.Random) -> list[Call] | None:
    """A task that is finished is handed out."""
    finished = _of(calls, "accepted", "finish")
    if not finished or any(call.op == "rerun" for call in calls):
        return None
    like = chance.choice(finished)
    theft = {"op": "poll", "verdict": "granted", "handle": "new", "token": EVENTS + 1}
    return _append(calls, like, **theft, attempt=like.attempt + 1)


CORRUPTIONS = (
    second_result,
    older_handle,
    resurrection,
    token_back,
    skipped_attempt,
    foreign_handle,
    stolen,
    after_the_end,
)


def other_end(status: str, calls: list[Call]) -> str | None:
    """A status at the end that no call explains."""
    rerun = any(call.op == "rerun" for call in calls)
    if status not in ENDED or rerun or any(call.outcome == "unknown" for call in calls):
        return None
    return "gone"
