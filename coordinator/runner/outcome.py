"""What became of a task, as SetTaskStatus takes it.

The errorIds of this runner: ``ExitCode<N>`` and ``Signal<N>`` (how the command ended),
``CannotStart`` (it could not be run), ``StagingFailed`` (a file could not be fetched or stored),
``NoHandler`` (a type that this runner does not know), ``RunnerStopped`` (the runner was stopped
before the task ended, and its work has ended too; the coordinator knows this word, and then uses up
no try), ``HandlerNotEnded`` (likewise, but its handler goes on until the runner's process has
ended), ``NotYet`` (a precondition's answer), ``NotAPrecondition`` (the same answer, for an
activity), those that a handler raises as TaskFailedError, and the name of any other exception.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

STACK_TRACE_CHARACTERS = 1024
# The API takes XML 1.0 characters only, and a refused SetTaskStatus would lose the result.
NOT_ON_THE_WIRE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Outcome:
    """FINISHED when there is no `error_id`, else FAILED with it; FALSE when it is `not_yet`."""

    error_id: str = ""
    message: str = ""
    stack_trace: str = ""
    not_yet: bool = False

    @property
    def status(self) -> str:
        """The task status on the wire."""
        if self.not_yet:
            return "FALSE"
        return "FAILED" if self.error_id else "FINISHED"

    def wire(self) -> dict[str, str]:
        """Return the members of SetTaskStatus, without the handle."""
        members = {
            "taskStatus": self.status,
            "errorId": self.error_id,
            "errorMessage": self.message,
            "errorStackTrace": self.stack_trace[-STACK_TRACE_CHARACTERS:],
        }
        return {name: on_the_wire(text) for name, text in members.items() if text}


def of_stopped(last_words: str = "", *, ended: bool = True) -> Outcome:
    """Return the outcome of a task whose runner was stopped; `ended`: its work does not go on."""
    if ended:
        message = "The task runner was stopped before the task ended."
        return Outcome("RunnerStopped", message, last_words)
    message = "The task runner was stopped, and the task's handler did not end when it was told to."
    return Outcome("HandlerNotEnded", message, last_words)


def of_not_yet(words: str) -> Outcome:
    """Return the outcome of a precondition that is not satisfied yet."""
    return Outcome("NotYet", words, not_yet=True)


def of_not_yet_refused(answer: Outcome) -> Outcome:
    """Return what becomes of an activity's handler that says "not yet": the task has failed."""
    message = "The handler answered NotYet, which only a precondition may"
    return Outcome("NotAPrecondition", f"{message}: {answer.message}")


def on_the_wire(text: str) -> str:
    """Return `text` with what the API does not take replaced."""
    return NOT_ON_THE_WIRE.sub("\ufffd", text)


def of_exit(code: int, stderr_end: str) -> Outcome:
    """Return the outcome of a command that ended with `code` (minus the number of a signal)."""
    if code == 0:
        return Outcome()
    if code > 0:
        return Outcome(f"ExitCode{code}", f"The command ended with exit code {code}.", stderr_end)
    name = _signal_name(-code)
    return Outcome(f"Signal{-code}", f"The command was ended by signal {name}.", stderr_end)


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:  # real-time signals have no names
        return str(number)
