"""ShellCommandPrecondition: a command whose exit code is the answer.

Source: the developer guide's page on the precondition.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coordinator.runner.errors import NotYet, TaskFailedError
from coordinator.runner.handlers import shell_activity

if TYPE_CHECKING:
    from coordinator.runner.context import Context
    from coordinator.runner.task import Task

EXITED = re.compile(r"ExitCode\d+")


def run(task: Task, context: Context) -> None:
    """Run a command; exit code 0 says yes, any other one not yet.

    Raises:
        NotYet, TaskFailedError, CanceledError
    """
    try:
        shell_activity.run(task, context)
    except TaskFailedError as error:
        if EXITED.fullmatch(error.error_id):
            raise NotYet(
                "\n".join(filter(None, (str(error), error.stack_trace.strip())))
            ) from error
        raise
