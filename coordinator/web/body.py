"""Reading a request body of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coordinator.web.refusals import BodyTooLargeError, EncodedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


class ClientGoneError(Exception):
    """The client closed before its request was whole: there is nobody to answer."""


def check_encoding(encoding: bytes | None) -> None:
    """Take plain bodies only: no SDK compresses those of this API, and one that is may be a bomb.

    Raises:
        EncodedError: it has a Content-Encoding.
    """
    if encoding not in (None, b"", b"identity"):
        raise EncodedError


async def read_body(
    headers: Mapping[bytes, bytes], receive: Callable[[], Awaitable[Any]], most: int
) -> bytes:
    """Read the whole body, and stop as soon as it is too large.

    Raises:
        BodyTooLargeError: it has more than `most` bytes, or says so.
        ClientGoneError: the client closed before its end.
    """
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > most:
        raise BodyTooLargeError(most)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return bytes(message.get("body", b""))  # nearly always: one message
    parts, size = [], 0
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise BodyTooLargeError(most)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    raise ClientGoneError
