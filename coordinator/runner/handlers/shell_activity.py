"""ShellCommandActivity."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from coordinator.runner.errors import CanceledError, TaskFailedError
from coordinator.runner.shell import ShellCommand

if TYPE_CHECKING:
    from coordinator.runner.context import Context
    from coordinator.runner.task import Task


def run(task: Task, context: Context) -> None:
    """Run the command of a task to its end.

    Raises:
        TaskFailedError, CanceledError
    """
    ended = threading.Event()
    command = ShellCommand(task, context.guard, ended.set)
    context.on_lost(lambda _: ended.set())
    ended.wait()
    if context.canceled.is_set():
        command.stop(context.kill_after)
        raise CanceledError(context.reason, command.stderr_end())
    outcome = command.outcome()
    if outcome.error_id:
        raise TaskFailedError(outcome.error_id, outcome.message, outcome.stack_trace)
