"""uvicorn as a replica needs it: how it takes signals, and how it stops."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from types import FrameType

    from coordinator.web.protocol import Protocol

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """uvicorn, which lets clients move on to other replicas before it stops.

    From the signal on `on_stop` has made the replica unready and each answer closes its connection,
    but connections are taken for `drain_delay` seconds more: a load balancer needs a while to see
    it, and a connection that is closed while idle may lose the request that is on its way. SIGINT,
    or a second signal, cuts that short.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        on_start: Callable[[], None],
        on_stop: Callable[[], None],
        drain_delay: float,
    ) -> None:
        super().__init__(config)
        self._on_start, self._on_stop = on_start, on_stop
        self._drain_delay = drain_delay
        self._hurried = asyncio.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: let long polls end, so that their connections can close."""
        if self.should_exit or sig == signal.SIGINT:
            self._hurried.set()
        self._on_stop()
        for connection in self.server_state.connections:
            cast("Protocol", connection).end_with_answer()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Go on for a while, then take no more connections and finish those that there are."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_delay):
                await self._hurried.wait()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while serving. uvicorn would raise them again, before our own clean-up."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        self._on_start()
