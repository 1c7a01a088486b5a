"""A load balancer in front of the replicas, as HAProxy would be in a deployment.

It knows connections only: each goes to the next replica that takes it, and ends with the replica.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

CHUNK = 65536
Connection = tuple[int, asyncio.StreamReader, asyncio.StreamWriter]


class Balancer:
    """Listens on a port of 127.0.0.1, in a thread of its own; a context manager."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self._open: Counter[int] = Counter()
        self._serving: set[asyncio.Task[None]] = set()
        self._started, self._port = threading.Event(), 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="balancer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def connections(self, port: int) -> int:
        """Return how many connections are open to a replica."""
        return self._open[port]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        for task in (left := asyncio.all_tasks(self._loop)):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection; a coroutine here would have its end in `__exit__` logged."""
        self._serving.add(task := self._loop.create_task(self._serve(reader, writer)))
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = await self._connect()
        if connection is None:
            writer.close()
            return
        port, from_replica, to_replica = connection
        self._open[port] += 1
        try:
            await _join(_pump(reader, to_replica), _pump(from_replica, writer))
        finally:
            self._open[port] -= 1
            to_replica.close()
            writer.close()

    async def _connect(self) -> Connection | None:
        """Connect to the replica whose turn it is, or to the next that takes connections."""
        for _ in self._ports:
            self._ports.append(port := self._ports.pop(0))
            with suppress(OSError):
                return (port, *await asyncio.open_connection("127.0.0.1", port))
        return None


async def _join(*pumps: Coroutine[None, None, None]) -> None:
    """Run both directions until one of them ends: nobody here closes half a connection."""
    tasks = [asyncio.ensure_future(pump) for pump in pumps]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
