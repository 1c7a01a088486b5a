"""The network between clients, replicas and Redis: proxies on a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

SECONDS = 20


class Network:
    """Opens proxies and puts faults into them, from any thread; close it at the end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def open(self, target: Path | int) -> Proxy:
        """Open a proxy to a unix socket or a port of 127.0.0.1."""

        async def enter() -> Proxy:
            return await self._stack.enter_async_context(Proxy(target))

        return self._wait(enter())

    def do(self, change: Callable[[], Any]) -> Any:
        """Call `change`, such as ``proxy.black_hole``, on the thread of the proxies."""

        async def call() -> Any:
            return change()

        return self._wait(call())

    def close(self) -> None:
        """Cut every connection, and end the thread."""
        self._wait(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)
