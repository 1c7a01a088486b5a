"""Answers in the API's shape: a request id always, and errors as every SDK reads them."""

from __future__ import annotations

import os
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from itertools import count
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

from coordinator.web.protocol import REPLY
from coordinator.web.refusals import (
    BodyTooLargeError,
    EncodedError,
    HeadTooLargeError,
    MethodNotAllowedError,
    UrlTooLongError,
)
from coordinator.wire.faults import fault_body, fault_of
from coordinator.wire.targets import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

NOT_ALLOWED, TOO_LARGE, URL_TOO_LONG, ENCODED, HEAD_TOO_LARGE = 405, 413, 414, 415, 431
_TYPE = CONTENT_TYPE.encode()


class Outcome(NamedTuple):
    """An answer before it is written; the verdict is shown on the three task calls only."""

    body: bytes
    verdict: bytes = b""
    status: int = 200
    error: str = ""
    retry_ms: int = 0


STATUSES: dict[type[Exception], int] = {
    MethodNotAllowedError: NOT_ALLOWED,
    BodyTooLargeError: TOO_LARGE,
    UrlTooLongError: URL_TOO_LONG,
    HeadTooLargeError: HEAD_TOO_LARGE,
    EncodedError: ENCODED,
}


def failure(error: Exception) -> tuple[int, str, bytes]:
    """Return the HTTP status, the error's name and the body for `error`."""
    fault = fault_of(error)
    return STATUSES.get(type(error), fault.status), fault.name, fault_body(error)


class RequestIds:
    """Ids that look like UUIDs: random for the process, then counted (0.3 µs instead of 3)."""

    def __init__(self) -> None:
        seed = os.urandom(10).hex()
        self._start = f"{seed[:8]}-{seed[8:12]}-4{seed[13:16]}-8{seed[17:20]}-".encode()
        self._numbers = count(1)

    def next(self) -> bytes:
        """Make the next id."""
        return self._start + b"%012x" % next(self._numbers)


class Dates:
    """The header Date, made anew each second (0.1 µs): by it SDKs correct a clock that is wrong.

    Source: `AwsSdkSigV4Signer` of the SDK for JavaScript v3, which signs once more by the time of
    the answer when a call fails with RequestExpired. Where uvicorn writes an answer it does
    likewise.
    """

    def __init__(self) -> None:
        self._second, self._header = 0, b""

    def header(self) -> bytes:
        """Return the line of the header."""
        now = int(time())
        if now != self._second:
            self._second = now
            self._header = b"date: %b\r\n" % formatdate(now, usegmt=True).encode()
        return self._header


class Replies:
    """Sends answers: in one write where the server offers it, else as ASGI says."""

    def __init__(self) -> None:
        self._ids = RequestIds()
        self._dates = Dates()

    def next_id(self) -> bytes:
        """Make the id of the next request."""
        return self._ids.next()

    def render(
        self,
        request_id: bytes,
        body: bytes,
        verdict: bytes,
        status: int,
        error: str,
        retry_ms: int = 0,
    ) -> bytes:
        """Write a whole HTTP response."""
        return b"%b%bx-amzn-requestid: %b\r\n\r\n%b" % (
            _head(status, len(body), verdict, error, retry_ms),
            self._dates.header(),
            request_id,
            body,
        )

    async def send(
        self,
        scope: Mapping[str, Any],
        send: Callable[[Any], Awaitable[None]],
        request_id: bytes,
        body: bytes,
        verdict: bytes,
        status: int,
        error: str,
        retry_ms: int = 0,
    ) -> None:
        """Send one answer with its headers."""
        quick = (scope.get("extensions") or {}).get(REPLY)
        if quick is not None and quick(
            self.render(request_id, body, verdict, status, error, retry_ms)
        ):
            return
        headers = _headers(status, len(body), verdict, error, retry_ms)
        headers.append((b"x-amzn-requestid", request_id))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _headers(
    status: int, length: int, verdict: bytes, error_name: str, retry_ms: int
) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", _TYPE), (b"content-length", b"%d" % length)]
    if verdict:
        headers.append((b"x-coordinator-verdict", verdict))
    if error_name:
        headers.append((b"x-amzn-errortype", error_name.encode()))
    if retry_ms:
        headers.append((b"x-amz-retry-after", b"%d" % retry_ms))
    if status == NOT_ALLOWED:
        headers.append((b"allow", b"POST"))
    return headers


@lru_cache(maxsize=1024)
def _head(status: int, length: int, verdict: bytes, error_name: str, retry_ms: int) -> bytes:
    """Everything that is the same in many answers, up to the date and the request id."""
    phrase = HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {phrase}".encode()]
    lines += [
        b"%b: %b" % header for header in _headers(status, length, verdict, error_name, retry_ms)
    ]
    return b"\r\n".join([*lines, b""])
