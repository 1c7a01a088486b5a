"""A TCP proxy in front of a real server, with faults of the network.

The faults: `latency`, `cut_after` (the connection ends in mid-reply), `spoil` (some answers are
cut, or lost after the effect), `black_hole` (connections stay, nothing passes), `half_open`
(requests pass, answers do not), `reset`, `refuse`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

CHUNK = 65536


class Proxy:
    """Listens on a free port of 127.0.0.1 and passes everything to `target`.

    Args:
        target: a unix socket, or a port of 127.0.0.1.
    """

    def __init__(self, target: Path | int) -> None:
        self.port = 0
        self.latency = 0.0
        self.accepted = 0
        self._target = target
        self._open = asyncio.Event()
        self._answers = asyncio.Event()
        self._open.set()
        self._answers.set()
        self._cut: int | None = None
        self._spoiled = self._part = 0.0
        self._chance = random.Random()  # noqa: S311 - a test's dice
        self._refusing = False
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The URL of the server as seen through the proxy."""
        return f"redis://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        """Start to listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Cut every connection and stop listening."""
        if self._server is not None:
            self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    def cut_after(self, count: int) -> None:
        """Pass `count` more bytes of answers, then end that connection (once)."""
        self._cut = count

    def spoil(self, share: float, part: float, chance: random.Random) -> None:
        """Of this share of answers pass only such a part (0: nothing); their connections end."""
        self._spoiled, self._part, self._chance = share, part, chance

    def black_hole(self) -> None:
        """Pass nothing in either direction; connections stay, new ones are accepted."""
        self._open.clear()

    def half_open(self) -> None:
        """Pass what clients send, and none of the answers."""
        self._answers.clear()

    def refuse(self) -> None:
        """Drop each new connection as soon as it is made."""
        self._refusing = True

    def heal(self) -> None:
        """Pass everything again."""
        self._refusing = False
        self._spoiled = self.latency = 0.0
        self._open.set()
        self._answers.set()

    def reset(self) -> None:
        """End every connection with RST."""
        for writer in tuple(self._writers):
            reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._link(reader, writer)
        self._writers.discard(writer)
        self._links.discard(task)
        writer.transport.abort()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._target, int):
            far = await asyncio.open_connection("127.0.0.1", self._target)
        else:
            far = await asyncio.open_unix_connection(str(self._target))
        ways = [self._pass_on(reader, far[1], answers=False)]
        ways.append(self._pass_on(far[0], writer, answers=True))
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            far[1].transport.abort()

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(CHUNK):
            await self._open.wait()
            if answers:
                await self._answers.wait()
            if self.latency:
                await asyncio.sleep(self.latency)
            if answers and self._cut is not None:
                if len(data) >= self._cut:
                    sink.write(data[: self._cut])
                    self._cut = None
                    await sink.drain()
                    return
                self._cut -= len(data)
            if answers and self._chance.random() < self._spoiled:
                sink.write(data[: int(len(data) * self._part)])
                await sink.drain()
                return
            sink.write(data)
            await sink.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
