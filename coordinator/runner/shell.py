"""A command in a process group of its own."""

from __future__ import annotations

import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from coordinator.runner import outcome
from coordinator.runner.group import DEATH_SECONDS, KILL_AFTER, end_group
from coordinator.runner.output import Output
from coordinator.runner.plan import SHELL, CannotStartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.guard import Guard
    from coordinator.runner.outcome import Outcome
    from coordinator.runner.plan import Plan

LEFTOVER_SECONDS = 2.0
# A command begins once its group is watched: of a runner that is killed before, none ever begins.
GATE = 'read -r go && exec "$@" </dev/null'


class ShellCommand:
    """A running command, in a process group and session of its own.

    `when_ended` is called once, from another thread, when the shell has ended by itself or not.

    Raises:
        CannotStartError: it cannot be run.
    """

    def __init__(self, plan: Plan, guard: Guard | None, when_ended: Callable[[], None]) -> None:
        self._guard = guard
        self._when_ended = when_ended
        self._ended = threading.Event()
        self._output = _output(plan)
        self._process = _start(plan, self._output)
        if guard is not None:
            guard.watch(self._process.pid)
        _let_go(self._process)
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


def _output(plan: Plan) -> Output:
    try:
        return Output(plan.stdout, plan.stderr)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise CannotStartError(f"The output cannot be opened: {error}.") from error


def _start(plan: Plan, output: Output) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - running what the pipeline says is the purpose
            [SHELL, "-c", GATE, "sh", *plan.arguments],
            stdin=subprocess.PIPE,
            stdout=output.stdout,
            stderr=output.stderr,
            env=plan.environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # too long, a NUL, no more processes
        output.discard()
        raise CannotStartError(f"The command cannot be started: {error}.") from error


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Let it run the command, if it has not been killed meanwhile."""
    assert process.stdin is not None  # noqa: S101 - it was opened as a pipe
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(b"\n")
