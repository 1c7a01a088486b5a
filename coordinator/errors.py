"""What can go wrong, as exceptions.

The tree::

    CoordinatorError
    ├── InvalidRequestError       the caller must change the request
    ├── PipelineNotFoundError     no pipeline has this id, or not in this account
    ├── PipelineDeletedError      the pipeline is deleted
    ├── TaskNotFoundError         no such task handle, or it was taken away
    └── UnavailableError          Redis cannot answer now; repeat the call
        └── UnknownOutcomeError   the call may or may not have had its effect

``wire/faults.py`` maps each class to the API's error of the same meaning, and ``store/scripts.py`` maps
the code with which a script refuses to one of these.
"""


class CoordinatorError(Exception):
    """The coordinator cannot do what was asked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class InvalidRequestError(CoordinatorError):
    """The request is not valid."""


class PipelineNotFoundError(CoordinatorError):
    """The pipeline does not exist."""


class PipelineDeletedError(CoordinatorError):
    """The pipeline has been deleted."""


class TaskNotFoundError(CoordinatorError):
    """The task does not exist."""


class UnavailableError(CoordinatorError):
    """Redis cannot be reached; repeat the call."""


class UnknownOutcomeError(UnavailableError):
    """The connection to Redis broke before its answer came; repeat the call."""
