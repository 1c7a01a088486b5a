"""What can go wrong, as exceptions.

The tree::

    CoordinatorError
    ├── InvalidRequestError       the caller must change the request
    │   └── TooMuchPendingError   the account has as much unfinished work as it may
    ├── PipelineNotFoundError     no pipeline has this id, or not in this account
    ├── PipelineDeletedError      the pipeline is deleted
    ├── TaskNotFoundError         no task has this handle
    │   └── LeaseLostError        it was taken away from this holder
    ├── NotSignedError            the request has no signature
    ├── IncompleteSignatureError  a part of its signature is missing or malformed
    ├── UnknownKeyError           nobody has this access key, or it is disabled
    ├── BadSignatureError         the signature is not that of this request with this key
    ├── RequestExpiredError       it was signed too long ago
    ├── AccessDeniedError         the credential may not do this
    ├── ThrottledError            too many such calls at present; later
    ├── TooSlowError              the request took too long to come
    ├── OverloadedError           there is no room for the request at present
    ├── UnavailableError          Redis cannot answer now; repeat the call
    │   └── UnknownOutcomeError   the call may or may not have had its effect
    └── ConflictError             handled inside the service, never sent
        ├── ForeignGroupError
        ├── NotStagedError
        ├── VersionChangedError
        └── PollSupersededError

``wire/faults.py`` maps each class to the API's error of the same meaning, and ``store/scripts.py``
maps the code with which a script refuses to one of these.
"""


class CoordinatorError(Exception):
    """The coordinator cannot do what was asked."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class InvalidRequestError(CoordinatorError):
    """The request is not valid."""


class TooMuchPendingError(InvalidRequestError):
    """The account has as many unfinished instances as it may (COORDINATOR_MAX_PENDING)."""


class PipelineNotFoundError(CoordinatorError):
    """The pipeline does not exist."""


class PipelineDeletedError(CoordinatorError):
    """The pipeline has been deleted."""


class TaskNotFoundError(CoordinatorError):
    """The task does not exist."""


class LeaseLostError(TaskNotFoundError):
    """The lease on this task was lost."""


class NotSignedError(CoordinatorError):
    """The request must be signed with an access key of this service (AWS Signature Version 4)."""


class IncompleteSignatureError(CoordinatorError):
    """The request's signature is incomplete."""


class UnknownKeyError(CoordinatorError):
    """The access key id is not one of this service."""


class BadSignatureError(CoordinatorError):
    """The request's signature is wrong."""


class RequestExpiredError(CoordinatorError):
    """The request was signed too long ago, or for a time to come."""


class AccessDeniedError(CoordinatorError):
    """The credential does not permit this call."""


class ThrottledError(CoordinatorError):
    """There are too many such calls at present.

    Args:
        message: which limit it is, in a sentence.
        retry_ms: after how many milliseconds it is worth a try.
        limit: the limit's name in `coordinator_limited_total`.
    """

    def __init__(self, message: str = "", retry_ms: int = 1000, limit: str = "rate") -> None:
        super().__init__(message)
        self.retry_ms = retry_ms
        self.limit = limit


class TooSlowError(CoordinatorError):
    """The request took too long to come (COORDINATOR_REQUEST_TIMEOUT)."""


class OverloadedError(CoordinatorError):
    """There is no room for this request at present; repeat it."""


class UnavailableError(CoordinatorError):
    """Redis cannot be reached; repeat the call."""


class UnknownOutcomeError(UnavailableError):
    """The connection to Redis broke before its answer came; repeat the call."""


class ConflictError(CoordinatorError):
    """The state is not what the caller expected; the service handles it."""


class ForeignGroupError(ConflictError):
    """The task is of a worker group that the caller may not work for."""


class NotStagedError(ConflictError):
    """What this version of the definition runs has not been stored yet."""


class VersionChangedError(ConflictError):
    """Another version of the definition was put meanwhile."""


class PollSupersededError(ConflictError):
    """A later try of the same PollForTask call has begun."""
