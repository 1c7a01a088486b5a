"""Errors as the API shows them: a name, an HTTP status, and a body that every SDK can read.

Clients take the name from the body's `__type` (boto3 from nowhere else, boto2 only when it is bare)
and the text from the lower-case `message`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from coordinator import errors
from coordinator.wire.codec import encode

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of the API: its name and its HTTP status."""

    name: str
    status: int


INTERNAL: Final = Fault("InternalServiceError", 500)
FAULTS: Final[Mapping[type[errors.CoordinatorError], Fault]] = MappingProxyType(
    {
        errors.InvalidRequestError: Fault("InvalidRequestException", 400),
        errors.PipelineNotFoundError: Fault("PipelineNotFoundException", 400),
        errors.PipelineDeletedError: Fault("PipelineDeletedException", 400),
        errors.TaskNotFoundError: Fault("TaskNotFoundException", 400),
        errors.NotSignedError: Fault("MissingAuthenticationToken", 403),
        errors.IncompleteSignatureError: Fault("IncompleteSignature", 400),
        errors.UnknownKeyError: Fault("UnrecognizedClientException", 400),
        errors.BadSignatureError: Fault("InvalidSignatureException", 400),
        errors.RequestExpiredError: Fault("RequestExpired", 400),
        errors.AccessDeniedError: Fault("AccessDeniedException", 400),
        errors.ThrottledError: Fault("ThrottlingException", 400),
        errors.TooSlowError: Fault("RequestTimeout", 408),
        errors.OverloadedError: Fault("ServiceUnavailable", 503),
        errors.UnavailableError: INTERNAL,
    }
)
_LINE_ENDS = re.compile(r"[\r\n]+")
_INTERNAL_MESSAGE = "The coordinator failed to answer; repeat the call."


def fault_of(error: BaseException) -> Fault:
    """The API's error for `error`: that of its nearest class in the table, or the internal one."""
    return _listed(error) or INTERNAL


def fault_body(error: BaseException) -> bytes:
    """The body for `error`; what is not meant for callers keeps its message to itself."""
    message = str(error) if _listed(error) else _INTERNAL_MESSAGE
    return body(fault_of(error).name, message)


def body(name: str, message: str) -> bytes:
    """The body of an error called `name`; its message on one line, in characters of UTF-8."""
    sendable = _LINE_ENDS.sub(" ", message.encode(errors="replace").decode())
    return encode({"__type": name, "message": sendable})


def _listed(error: BaseException) -> Fault | None:
    return next((FAULTS[cls] for cls in type(error).__mro__ if cls in FAULTS), None)
