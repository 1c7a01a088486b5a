"""Runs a handler on a task of a test's making: no server, no runner.

from coordinator.runner.testing import make_task, run_handler

result = run_handler(count_lines, make_task("CountLines", {"path": "a.txt"}))
assert result.status == "FINISHED"
assert result.fields == {"lines": "3"}
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coordinator.runner.context import Context
from coordinator.runner.fields import Object
from coordinator.runner.guard import Guard
from coordinator.runner.outcome import of_not_yet_refused
from coordinator.runner.registry import DEFAULT, Registry
from coordinator.runner.task import PREVIOUS, Task
from coordinator.runner.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coordinator.runner.outcome import Outcome
    from coordinator.runner.registry import Function

    Values = Mapping[str, str | Sequence[str]]

ACTIVITY = "Activity"


@dataclass(frozen=True)
class Result:
    """What became of a task, and each report, in order.

    `status` is FINISHED, FAILED, or FALSE: a precondition's NotYet, whose words are `message`.
    """

    status: str
    error_id: str
    message: str
    stack_trace: str
    reports: list[dict[str, str]] = field(default_factory=list)

    @property
    def fields(self) -> dict[str, str]:
        """Return the last value of each field that was reported."""
        return {key: value for report in self.reports for key, value in report.items()}


def make_task(
    kind: str,
    fields: Values | None = None,
    objects: Mapping[str, Values] | None = None,
    *,
    previous: Mapping[str, str] | None = None,
    attempt: int = 1,
) -> Task:
    """Return a task of type `kind`; `objects` are what it refers to, by id.

    `previous` is what the attempt before reported.
    """
    instance_id = "@Act_2026-01-01T00:00:00"
    own = {
        "type": kind,
        "@componentParent": "Act",
        "@instanceParent": instance_id,
        "@attemptCount": str(attempt),
        "@fencingToken": str(attempt),
        "@scheduledStartTime": "2026-01-01T00:00:00",
        "@scheduledEndTime": "2026-01-01T00:00:00",
        **{PREVIOUS + key: value for key, value in (previous or {}).items()},
        **(fields or {}),
    }
    return Task(
        handle="handle",
        pipeline_id="df-TEST",
        attempt_id=f"{instance_id}_Attempt={attempt}",
        fields=_lists(own),
        objects={key: Object(key, _lists(given)) for key, given in (objects or {}).items()},
    )


def run_handler(
    handler: Function | None,
    task: Task,
    *,
    cancel_after: float | None = None,
    timeout: float = 60.0,
    registry: Registry = DEFAULT,
) -> Result:
    """Run a handler on a task; None means the one that is registered for the task's type.

    `cancel_after` seconds it is told to stop, as a cancel does. NotYet fails a task whose type ends
    in ``Activity``, as the coordinator has it.

    Raises:
        TimeoutError: it has not ended within `timeout` seconds.
        LookupError: no handler was given, and none is registered.
    """
    call = handler or _registered(task.type, registry)
    reports: list[dict[str, str]] = []
    guard = Guard()
    context = Context(lambda fields: reports.append(dict(fields)), guard)
    try:
        outcome = _wait(call, task, context, cancel_after, timeout)
    finally:
        context.cancel("the test is over")
        guard.close()
    if outcome.not_yet and task.type.endswith(ACTIVITY):
        outcome = of_not_yet_refused(outcome)
    return Result(outcome.status, outcome.error_id, outcome.message, outcome.stack_trace, reports)


def _registered(kind: str, registry: Registry) -> Function:
    found = registry.find(kind)
    if found is None:
        raise LookupError(f"No handler is registered for {kind!r}.")
    return found.call


def _wait(
    call: Function, task: Task, context: Context, cancel_after: float | None, timeout: float
) -> Outcome:
    ended = threading.Event()
    work = Work(call, task, context, ended.set)
    if cancel_after is not None and not ended.wait(cancel_after):
        context.cancel("canceled")
    ended.wait(timeout)
    if work.outcome is None:
        raise TimeoutError(f"The handler has not ended within {timeout:g} s.")
    return work.outcome


def _lists(values: Values) -> dict[str, list[str]]:
    return {
        key: [value] if isinstance(value, str) else list(value) for key, value in values.items()
    }
