"""Requests that are refused for what they are: which limit that is, and when to try again."""

from __future__ import annotations

from coordinator.errors import InvalidRequestError, ThrottledError, TooMuchPendingError


class MethodNotAllowedError(InvalidRequestError):
    """The API is called with POST on /."""


class BodyTooLargeError(InvalidRequestError):
    """The request body is too large."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The request body is larger than {most} bytes (COORDINATOR_MAX_BODY).")


class UrlTooLongError(InvalidRequestError):
    """The URL is too long."""


class HeadTooLargeError(InvalidRequestError):
    """The headers are too large, or too many (COORDINATOR_MAX_HEADERS)."""


class PipelinedError(InvalidRequestError):
    """Too many requests were sent on one connection without waiting for answers."""


class EncodedError(InvalidRequestError):
    """A body with a Content-Encoding is not taken: send it plain."""


# Those of connections (`time`, `bytes`, `connections`) are counted where they are found.
LIMITS: dict[type[Exception], str] = {
    BodyTooLargeError: "body",
    EncodedError: "encoding",
    HeadTooLargeError: "headers",
    PipelinedError: "pipelined",
    TooMuchPendingError: "pending",
    UrlTooLongError: "url",
}


def limit_of(error: Exception) -> str | None:
    """Return the label of `coordinator_limited_total` for an error, if a limit is its cause."""
    return error.limit if isinstance(error, ThrottledError) else LIMITS.get(type(error))


def retry_of(error: Exception) -> int:
    """Return after how many milliseconds a call is worth another try; 0: nothing is said of it."""
    return error.retry_ms if isinstance(error, ThrottledError) else 0
