"""What a report costs a replica, in calls of Python functions, beside what uvicorn itself needs.

The benchmark measures time, which varies; this says what changed when the ratio falls.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from coordinator.commands.bench.floor import app as floor
from coordinator.commands.bench.load import request_bytes
from coordinator.commands.listening import UVICORN
from coordinator.commands.replica import Replica
from coordinator.config import load
from coordinator.web.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Server

PORT, REPORTS, ROUNDS = 80, 100, 3
MOST = 1.7


class Wire(asyncio.Transport):
    """A client's end of a connection: sends requests one by one, and takes the answers."""

    def __init__(self, app: Any, kind: type[HttpToolsProtocol]) -> None:
        super().__init__()
        config = uvicorn.Config(app, http=kind, **UVICORN)
        config.load()
        self._answer = asyncio.Event()
        self._read = b""
        self._protocol = kind(config=config, server_state=ServerState(), app_state={})
        self._protocol.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell the addresses."""
        return ("127.0.0.1", PORT) if name in {"sockname", "peername"} else default

    def is_closing(self) -> bool:
        """It stays open."""
        return False

    def write(self, data: Any) -> None:
        """Take a part of an answer: it is whole when its JSON is."""
        self._read += data
        if data.endswith(b"}"):
            self._answer.set()

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer."""
        self._answer.clear()
        self._read = b""
        self._protocol.data_received(request)
        await self._answer.wait()
        return self._read.partition(b"\r\n\r\n")[2]

    async def call(self, operation: str, **members: Any) -> Any:
        """Make a call of the API."""
        return json.loads(await self.ask(request_bytes(PORT, operation, members)))


async def lease(wire: Wire) -> str:
    """Make a task, claim it and return its handle."""
    made = await wire.call("CreatePipeline", name="p", uniqueId="p")
    fields = {"type": "ShellCommandActivity", "command": "true", "workerGroup": "g"}
    pairs = [{"key": key, "stringValue": value} for key, value in fields.items()]
    part = {"id": "A", "name": "A", "fields": pairs}
    await wire.call("PutPipelineDefinition", **made, pipelineObjects=[part])
    await wire.call("ActivatePipeline", **made)
    task = await wire.call("PollForTask", workerGroup="g")
    return str(task["taskObject"]["taskId"])


async def calls_for(wire: Wire, request: bytes) -> float:
    """Return how many functions are called for a request: the least of some rounds."""
    found = []
    for _ in range(ROUNDS):
        counted = 0

        def count(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal counted
            counted += event in {"call", "c_call"}

        sys.setprofile(count)
        try:
            for _ in range(REPORTS):
                await wire.ask(request)
        finally:
            sys.setprofile(None)
        found.append(counted / REPORTS)
    return min(found)


async def measured(url: str) -> tuple[float, float]:
    """Return the calls for a request of the floor, and for a report."""
    async with Replica(load(redis_url=url)) as replica:
        wire = Wire(replica.app, Protocol)
        report = request_bytes(PORT, "ReportTaskProgress", {"taskId": await lease(wire)})
        assert json.loads(await wire.ask(report)) == {"canceled": False}
        least = await calls_for(Wire(floor, HttpToolsProtocol), report)
        return least, await calls_for(wire, report)


def test_calls_of_a_report(new_server: Callable[..., Server]) -> None:
    """A report that is alone on its way takes 1.65 times the calls of a request that does nothing.

    What comes on top of that is paid with each report of each runner.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        least, report = runner.run(measured(new_server().url))
    assert report / least < MOST
