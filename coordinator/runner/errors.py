"""What can go wrong in the runner, as exceptions.

The tree::

    RunnerError
    ├── MissingExtraError     boto3 is not installed
    ├── BadOptionError        the options cannot be used
    └── CallError             a call had no success; calling again may help
        ├── RefusedError      calling again cannot help
        └── LeaseLostError    the task is not ours any more
"""


class RunnerError(Exception):
    """The runner cannot go on."""


class MissingExtraError(RunnerError):
    """The task runner needs boto3: pip install 'lease-coordinator[runner]'."""

    def __str__(self) -> str:
        return self.__doc__ or ""


class BadOptionError(RunnerError):
    """An option cannot be used; the message says which and why."""


class CallError(RunnerError):
    """A call to the coordinator had no success; the message says why."""


class RefusedError(CallError):
    """The coordinator refused the call for good."""


class LeaseLostError(CallError):
    """The task was taken away, or its pipeline is gone."""
