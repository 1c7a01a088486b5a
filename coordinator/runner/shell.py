"""ShellCommandActivity: a command for /bin/sh."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import TYPE_CHECKING

from coordinator.runner import environment, outcome
from coordinator.runner.errors import TaskFailedError
from coordinator.runner.group import DEATH_SECONDS, KILL_AFTER, end_group
from coordinator.runner.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.guard import Guard
    from coordinator.runner.outcome import Outcome
    from coordinator.runner.task import Task

SHELL = "/bin/sh"
LEFTOVER_SECONDS = 2.0


class CannotStartError(TaskFailedError):
    """The command cannot be run; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__("CannotStart", message)


class ShellCommand:
    """A running command, in a process group and session of its own.

    `when_ended` is called once, from another thread, when the shell has ended by itself or not.

    Raises:
        CannotStartError: it cannot be run.
    """

    def __init__(self, task: Task, guard: Guard | None, when_ended: Callable[[], None]) -> None:
        self._guard = guard
        self._when_ended = when_ended
        self._ended = threading.Event()
        arguments = _arguments(task)
        self._output = _output(task)
        self._process = _start(arguments, task, self._output)
        if guard is not None:
            guard.watch(self._process.pid)
        self._output.follow(self._process)
        threading.Thread(target=self._wait, name=f"wait-{self._process.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id of the shell, which is its process group too."""
        return self._process.pid

    def outcome(self) -> Outcome:
        """Return how it ended. The work ends with the shell: what it left in its group is ended."""
        self.stop(LEFTOVER_SECONDS)
        return outcome.of_exit(self._process.returncode, self._output.stderr_end())

    def stop(self, kill_after: float = KILL_AFTER) -> None:
        """End the whole group: TERM, and KILL after `kill_after` seconds."""
        end_group(self._process.pid, kill_after)
        self._ended.wait(DEATH_SECONDS)
        if self._guard is not None:
            self._guard.forget(self._process.pid)

    def stderr_end(self) -> str:
        """Return the end of what it wrote to stderr; for after its end."""
        return self._output.stderr_end()

    def _wait(self) -> None:
        self._process.wait()
        self._ended.set()
        self._when_ended()


def _arguments(task: Task) -> list[str]:
    command = task.first("command")
    if command is None:
        raise CannotStartError("The activity has no command (a scriptUri is not supported).")
    return [SHELL, "-c", command, "sh", *task.all("scriptArgument")]


def _output(task: Task) -> Output:
    for field in ("stdout", "stderr"):
        if "://" in (task.first(field) or ""):
            raise CannotStartError(f"{field} must be a local path; it is {task.first(field)!r}.")
    try:
        return Output(task)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise CannotStartError(f"The output cannot be opened: {error}.") from error


def _start(arguments: list[str], task: Task, output: Output) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - running what the pipeline says is the purpose
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output.stdout,
            stderr=output.stderr,
            env=environment.of_task(task, os.environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # too long, a NUL, no more processes
        output.discard()
        raise CannotStartError(f"The command cannot be started: {error}.") from error
