"""A closed loop of requests over keep-alive connections, and the bytes of a request."""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from coordinator.wire.targets import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence


class Load(NamedTuple):
    """What a run of the generator did."""

    requests: int
    seconds: float
    failures: int


def request_bytes(port: int, operation: str, body: dict[str, object], signature: str = "") -> bytes:
    """Write a request as boto3 sends it: the same headers, of the same length.

    `signature` is the lines of headers that sign it, if it is signed.
    """
    text = msgspec.json.encode(body)
    head = (
        "POST / HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\n"
        "Accept-Encoding: identity\r\n"
        f"X-Amz-Target: DataPipeline.{operation}\r\n"
        f"Content-Type: {CONTENT_TYPE}\r\n"
        "User-Agent: Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux lang/python#3.11.7\r\n"
        f"{signature}"
        "amz-sdk-invocation-id: 7b1ec7d2-6c58-4b6e-9f9a-0d1f6f1c3a55\r\n"
        "amz-sdk-request: attempt=1\r\n"
        f"Content-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is there."""

    def __init__(self, requests: Sequence[bytes], first: int) -> None:
        self._requests = requests
        self._next = first
        self.done = self.failures = 0
        self.stopped = False
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for mypy
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        # uvicorn writes head and body apart: an answer is whole when its JSON is.
        self._answer += data
        if not self._answer.endswith(b"}"):
            return
        self.done += 1
        if not self._answer.startswith(b"HTTP/1.1 200"):
            self.failures += 1
        self._answer = b""
        if self.stopped:
            self._transport.close()
        else:
            self._send()

    def _send(self) -> None:
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1


async def run_load(
    port: int, requests: Sequence[bytes], *, connections: int, seconds: float
) -> Load:
    """Send `requests` over and over for `seconds` on so many connections."""
    loop = asyncio.get_running_loop()
    started = monotonic()
    opened = [
        await loop.create_connection(partial(_Connection, requests, i * 7), "127.0.0.1", port)
        for i in range(connections)
    ]
    await asyncio.sleep(seconds)
    for _, connection in opened:
        connection.stopped = True
    elapsed = monotonic() - started
    done = sum(connection.done for _, connection in opened)
    for transport, _ in opened:
        transport.abort()
    return Load(done, elapsed, sum(connection.failures for _, connection in opened))
