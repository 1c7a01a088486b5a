"""ShellCommandActivity: a command or a script, with its data and its output where they belong.

Source: the developer guide's pages on the activity, on staging and on logs.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from coordinator.runner import storage
from coordinator.runner.errors import CanceledError, TaskFailedError
from coordinator.runner.handlers.staging import Staging
from coordinator.runner.handlers.streams import Streams
from coordinator.runner.plan import plan_of
from coordinator.runner.shell import ShellCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.runner.context import Context
    from coordinator.runner.plan import Plan
    from coordinator.runner.task import Task

WITH_FILES = ("scriptUri", "stage", "stdout", "stderr", "pipelineLogUri")
logger = logging.getLogger(__name__)


def run(task: Task, context: Context) -> None:
    """Run a task to its end.

    Raises:
        TaskFailedError, CanceledError
    """
    with _directory(task) as directory:
        streams = Streams(task, directory)
        try:
            _work(task, context, streams, directory)
        except TaskFailedError:
            _store_anyway(streams)
            raise
        except CanceledError:
            if not context.in_a_hurry:
                streams.log()
            raise
        streams.store()
        streams.log()


@contextmanager
def _directory(task: Task) -> Iterator[Path]:
    """A directory for files on their way; none is made for a task that has no such files.

    So a runner that is killed leaves nothing of most tasks.
    """
    if not any(task.field(key) for key in WITH_FILES):
        yield Path(tempfile.gettempdir())
        return
    with tempfile.TemporaryDirectory(prefix="runner-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _work(task: Task, context: Context, streams: Streams, directory: Path) -> None:
    staging = Staging(task, context, directory)
    script = _script(task, context, directory)
    command = plan_of(task, script, streams.files, staging.fetch())
    _see_through(command, context)
    staging.store()


def _script(task: Task, context: Context, directory: Path) -> Path | None:
    uri = task.field("scriptUri")
    if uri is None:
        return None
    script = directory / "script"
    storage.fetch(uri, script, context.raise_if_canceled)
    return script


def _see_through(plan: Plan, context: Context) -> None:
    context.raise_if_canceled()
    ended = threading.Event()
    command = ShellCommand(plan, context.guard, ended.set)
    context.on_lost(lambda _: ended.set())
    ended.wait()
    if context.canceled.is_set():
        command.stop(context.kill_after)
        raise CanceledError(context.reason, command.stderr_end())
    outcome = command.outcome()
    if outcome.error_id:
        raise TaskFailedError(outcome.error_id, outcome.message, outcome.stack_trace)


def _store_anyway(streams: Streams) -> None:
    """Store the output of a task that has failed; what it failed of stays its result."""
    try:
        streams.store()
    except TaskFailedError as error:
        logger.warning("the output of a failed task is lost: %s", error)
    streams.log()
