"""What can go wrong in the runner, as exceptions.

The tree::

    RunnerError
    ├── MissingExtraError     boto3 is not installed
    ├── BadOptionError        the options cannot be used
    │   └── HandlerError      a handler cannot be registered
    ├── CallError             a call had no success; calling again may help
    │   ├── RefusedError      calling again cannot help
    │   └── LeaseLostError    the task is not ours any more
    ├── TaskFailedError       raised by a handler: the task has failed
    ├── CanceledError         raised in a handler: the task is to be stopped
    └── NotYet                raised by a handler of a precondition: not satisfied, no error
"""

from __future__ import annotations

RESERVED = "Service_"


class RunnerError(Exception):
    """The runner cannot go on."""


class MissingExtraError(RunnerError):
    """The task runner needs boto3: pip install 'lease-coordinator[runner]'."""

    def __str__(self) -> str:
        return self.__doc__ or ""


class BadOptionError(RunnerError):
    """An option cannot be used; the message says which and why."""


class HandlerError(BadOptionError):
    """A handler cannot be registered or loaded; the message says which and why."""


class CallError(RunnerError):
    """A call to the coordinator had no success; the message says why."""


class RefusedError(CallError):
    """The coordinator refused the call for good."""


class LeaseLostError(CallError):
    """The task was taken away, or its pipeline is gone."""


class TaskFailedError(RunnerError):
    """The task has failed; for handlers to raise. `error_id` is a word for programs to look for.

    Raises:
        ValueError: `error_id` is empty, or begins with what the API keeps for itself.
    """

    def __init__(self, error_id: str, message: str, stack_trace: str = "") -> None:
        if not error_id or error_id.startswith(RESERVED):
            raise ValueError(f"An errorId must not be empty or begin with {RESERVED!r}.")
        super().__init__(message)
        self.error_id = error_id
        self.stack_trace = stack_trace


class NotYet(RunnerError):  # noqa: N818 - an answer, and no error
    """What a precondition is about is not so yet; for its handler to raise, with why, in words.

    The coordinator has it checked again after its `retryDelay`, until its `preconditionTimeout`.
    """


class CanceledError(RunnerError):
    """The task is to be stopped; the message says why. Handlers let it pass."""

    def __init__(self, reason: str, stack_trace: str = "") -> None:
        super().__init__(f"The task was stopped: {reason}.")
        self.stack_trace = stack_trace
