"""PollForTask on a plain socket, so that a test decides when its client leaves."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

HEAD = (
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n"
    "X-Amz-Target: DataPipeline.{operation}\r\nContent-Length: {length}\r\n{more}\r\n"
)


def request(operation: str, members: dict[str, Any], **headers: str) -> bytes:
    """Make a whole request; underscores in the names of headers stand for hyphens."""
    body = json.dumps(members)
    more = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
    head = HEAD.format(operation=operation, length=len(body), more=more)
    return (head + body).encode()


class RawClient:
    """One HTTP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> RawClient:
        """Connect to 127.0.0.1."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def ask(self, operation: str, members: dict[str, Any], **headers: str) -> None:
        """Send a request."""
        self.writer.write(request(operation, members, **headers))

    def poll(self, group: str = "g", *, invocation: str = "", attempt: int = 0) -> None:
        """Send a PollForTask, with an SDK's headers where given."""
        headers = {"amz_sdk_invocation_id": invocation} if invocation else {}
        if attempt:
            headers["amz_sdk_request"] = f"attempt={attempt}; max=3"
        self.ask("PollForTask", {"workerGroup": group, "hostname": "host"}, **headers)

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """Read an answer: status and decoded body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        return int(head.split()[1]), json.loads(await self.reader.readexactly(length) or b"{}")

    async def task(self) -> dict[str, Any] | None:
        """Read the answer to a poll: the task object, if there is one."""
        status, body = await self.answer()
        assert status == 200, body
        found: dict[str, Any] | None = body.get("taskObject")
        return found

    async def close(self) -> None:
        """Close the connection; what was sent is not waited for."""
        self.writer.transport.abort()
        with suppress(OSError):
            await self.writer.wait_closed()
