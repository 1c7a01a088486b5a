"""A handler in a process of its own: the parent's side. `child` is the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

from coordinator.runner import outcome as outcomes
from coordinator.runner.errors import CanceledError, HandlerError, NotYet, TaskFailedError
from coordinator.runner.group import end_group
from coordinator.runner.task import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.context import Context
    from coordinator.runner.task import Task

MAIN = "__main__"
LEFTOVER_SECONDS = 2.0


def place_of(function: Callable[..., object]) -> tuple[str, str]:
    """Return the module and the name within it of a function."""
    kind = type(function)
    name = getattr(function, "__qualname__", kind.__qualname__)
    return getattr(function, "__module__", kind.__module__), name


class Isolated:
    """A handler that runs `function` in a process and process group of its own.

    The process is told to stop when the task is; it and all that it started are killed when it
    does not, when the runner dies, and when the function is done.

    Raises:
        HandlerError: another process could not find the function.
    """

    def __init__(self, function: Callable[[Task, Context], object]) -> None:
        self._module, self._name = place_of(function)
        self.__module__, self.__qualname__ = self._module, self._name
        if "<" in self._name:
            raise HandlerError(
                f"The handler {self._name!r} cannot run in a process: it must be a function at the "
                "top of its module."
            )

    def __call__(self, task: Task, context: Context) -> None:
        """Run it to its end.

        Raises:
            TaskFailedError, NotYet, CanceledError
        """
        reading, writing = os.pipe()
        with open(reading, encoding="utf-8") as channel:  # noqa: PTH123 - a descriptor
            try:
                process = _start(writing)
            finally:
                os.close(writing)
            said = _see_through(process, self._order(task), channel, context)
        if context.canceled.is_set():
            raise CanceledError(context.reason, (said or {}).get("stack_trace", ""))
        ended = outcomes.Outcome(**said) if said else _without_a_word(process.returncode)
        if ended.not_yet:
            raise NotYet(ended.message)
        if ended.error_id:
            raise TaskFailedError(ended.error_id, ended.message, ended.stack_trace)

    def _order(self, task: Task) -> dict[str, Any]:
        file = getattr(sys.modules.get(MAIN), "__file__", None) if self._module == MAIN else None
        return {
            "path": sys.path,
            "module": self._module,
            "file": file,
            "name": self._name,
            "task": to_json(task),
        }


def _without_a_word(code: int) -> outcomes.Outcome:
    if code == 0:
        return outcomes.Outcome("ExitCode0", "The handler's process ended without a result.")
    return outcomes.of_exit(code, "")


def _start(writing: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "coordinator.runner.child", str(writing)],
        stdin=subprocess.PIPE,
        bufsize=0,
        pass_fds=[writing],
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )


def _see_through(
    process: subprocess.Popen[bytes], order: dict[str, Any], channel: TextIO, context: Context
) -> dict[str, Any] | None:
    """Return what the process said of its end; None if it ended without."""
    if context.guard is not None:
        context.guard.watch(process.pid)
    threading.Thread(target=_clear_up, args=(process,), daemon=True).start()
    _tell(process, order)
    context.on_lost(lambda reason: _stop(process, reason, context))
    try:
        return _follow(channel, context)
    finally:
        end_group(process.pid, LEFTOVER_SECONDS)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        if context.guard is not None:
            context.guard.forget(process.pid)


def _follow(channel: TextIO, context: Context) -> dict[str, Any] | None:
    for line in channel:
        message = json.loads(line)
        if "outcome" in message:
            return dict(message["outcome"])
        context.report(message["report"])
    return None


def _clear_up(process: subprocess.Popen[bytes]) -> None:
    """End what a process that has ended left: it may hold our end of the channel open."""
    process.wait()
    end_group(process.pid, LEFTOVER_SECONDS)


def _stop(process: subprocess.Popen[bytes], reason: str, context: Context) -> None:
    _tell(process, {"reason": reason})
    ending = threading.Thread(target=end_group, args=(process.pid, context.kill_after), daemon=True)
    ending.start()


def _tell(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    try:
        assert process.stdin is not None  # noqa: S101 - it was opened as a pipe
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            data = data[process.stdin.write(data) or 0 :]
    except (OSError, ValueError):  # it has ended
        return
