"""A handler at work on a task, in a thread of its own."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING

from coordinator.runner.errors import CanceledError, NotYet, TaskFailedError
from coordinator.runner.outcome import Outcome, of_not_yet

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.context import Context
    from coordinator.runner.registry import Function
    from coordinator.runner.task import Task


class Work:
    """Begins at once; `when_ended` is called once, from its thread."""

    def __init__(
        self, function: Function, task: Task, context: Context, when_ended: Callable[[], None]
    ) -> None:
        self._function, self._task, self._context = function, task, context
        self._when_ended = when_ended
        self.outcome: Outcome | None = None
        name = f"task-{task.attempt_id}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        try:
            self.outcome = outcome_of(self._function, self._task, self._context)
        finally:
            self._when_ended()

    def last_words(self) -> str:
        """Return what there is to say of work that was stopped."""
        return self.outcome.stack_trace if self.outcome else ""


def outcome_of(function: Function, task: Task, context: Context) -> Outcome:
    """Call a handler, and turn its end into an outcome."""
    try:
        function(task, context)
    except NotYet as answer:
        return of_not_yet(str(answer))
    except CanceledError as error:
        return Outcome("Canceled", str(error), error.stack_trace)
    except TaskFailedError as error:
        return Outcome(error.error_id, str(error), error.stack_trace)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the task has failed
        return Outcome(type(error).__name__, str(error), traceback.format_exc())
    return Outcome()
