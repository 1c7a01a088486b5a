"""The state of one task under leases, and what a call is told in it.

It is what calls can tell: ready, delayed and blocked are all FREE, and so is a hand-out whose
answer nobody got.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from history import Call

FREE, HELD, DELETED, VANISHED = "FREE", "HELD", "DELETED", "VANISHED"
FINISHED, FAILED, CANCELED = "FINISHED", "FAILED", "CANCELED"
ENDED = {FINISHED, FAILED, CANCELED}
RESULTS = {"finish": FINISHED, "fail": FAILED}
NOT_FOUND, GONE, WIPED, INVALID = (
    "TaskNotFoundException",
    "PipelineDeletedException",
    "PipelineNotFoundException",
    "InvalidRequestException",
)
FATES = {"lost": "superseded", "canceled": "canceled", FINISHED: "repeat", FAILED: "repeat"}


class Task(NamedTuple):
    """What is true of a task, but for the times.

    `closed` says that the attempt has ended, so that a rerun begins the next. `fates` has what
    became of each handle that was taken away. `tries` are failures, `lost` leases lost in a row and
    `unacked` hand-outs in a row that nobody acknowledged.
    """

    phase: str = FREE
    attempt: int = 1
    closed: bool = False
    handle: str = ""
    acked: bool = False
    tries: int = 0
    lost: int = 0
    unacked: int = 0
    fates: frozenset[tuple[str, str]] = frozenset()

    def fate(self, handle: str) -> str:
        """What became of a handle; empty if it holds the lease or was never handed out."""
        return next((fate for of, fate in self.fates if of == handle), "")


class Times(NamedTuple):
    """The earliest possible times; of `latest`, a latest one, the negative.

    now: of what happened last; renewed: of the holder's last renewal (latest: the latest it can
    have been); claimed: of the hand-out; free: from when it may be handed out; since: of the first
    hand-out in a row that nobody acknowledges.
    """

    now: float = -inf
    renewed: float = 0.0
    latest: float = 0.0
    claimed: float = 0.0
    free: float = -inf
    since: float = -inf

    def beats(self, other: Times) -> bool:
        """Whether all that may follow with the other times may follow with these."""
        return all(mine <= its for mine, its in zip(self, other, strict=True))


class State(NamedTuple):
    """A task and its times."""

    task: Task
    times: Times


class ImpossibleError(Exception):
    """A call cannot have been told this in the present state; says why."""


def returned(call: Call) -> float:
    """When a call was answered; infinity if it never was."""
    return inf if call.returned is None or call.outcome == "unknown" else call.returned


def names_verdict(call: Call) -> bool:
    """Whether the verdict of a call is checked: answers of the operator's calls have none."""
    return call.outcome == "refused" or call.op in {"report", "finish", "fail"}


def answers(task: Task, call: Call) -> set[tuple[str, str]]:
    """What a call may be told in a state: outcome and verdict."""
    if task.phase == VANISHED:
        return {("refused", WIPED)}
    if call.op in {"cancel", "rerun", "delete"}:
        gone = {("refused", GONE), ("refused", WIPED)}
        return gone if task.phase == DELETED else {("ok", "")}
    if task.phase == HELD and task.handle == call.handle:
        return {("ok", "accepted")}
    return {_told_of_a_past_one(task, call)}


def _told_of_a_past_one(task: Task, call: Call) -> tuple[str, str]:
    """What is told whoever does not hold the lease."""
    fate = task.fate(call.handle)
    if task.phase == DELETED:
        running = call.op == "report" and fate == "deleted"
        return ("ok", "deleted") if running else ("refused", GONE)
    if not fate or (fate == "lost" and call.op != "report"):
        return "refused", NOT_FOUND
    if call.op in RESULTS and fate in RESULTS.values() and RESULTS[call.op] != fate:
        return "refused", INVALID
    return "ok", FATES[fate]


def check_read(task: Task, status: str) -> None:
    """Raise if this is not the status at the end."""
    gone = task.phase in {DELETED, VANISHED}
    alive = task.phase in {FREE, HELD}
    right = status == task.phase or (gone and status == "gone")
    if not right and not (alive and status not in ENDED | {"gone"}):
        raise ImpossibleError(f"its status was read as {status}: {describe(task)}")


def describe(task: Task) -> str:
    """Say in words what state a task is in."""
    words = {
        FREE: f"nobody holds it (attempt {task.attempt})",
        HELD: f"{task.handle} holds it",
        DELETED: "its pipeline is deleted",
        VANISHED: "all data is gone",
    }
    fates = ", ".join(f"{handle} {fate.lower()}" for handle, fate in sorted(task.fates))
    return words.get(task.phase, f"it is {task.phase}") + (f" [{fates}]" if fates else "")
