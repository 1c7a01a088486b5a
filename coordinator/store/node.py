"""One server as a router sees it: a client, and lanes for durable calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coordinator.store.durability import DurablePool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from coordinator.store.batch import Word
    from coordinator.store.client import Client, Script


class Node:
    """A server.

    Args:
        make: makes a client of it.
        replicas: how many must acknowledge a durable call; 0 makes durable calls like any other.
        timeout: seconds of a call.
    """

    def __init__(self, make: Callable[[], Client], replicas: int, timeout: float) -> None:
        self.client = make()
        self._pool = DurablePool(make, replicas, timeout) if replicas else None

    def run(
        self,
        script: Script,
        keys: Sequence[bytes | str],
        args: Sequence[Word],
        *,
        durable: bool = False,
    ) -> Awaitable[Any]:
        """Run `script`; see `Client.run` and `DurablePool.run`."""
        if durable and self._pool is not None:
            return self._pool.run(script, keys, args)
        return self.client.run(script, keys, args)

    @property
    def idle(self) -> bool:
        """Whether no connection is left."""
        return self.client.idle and (self._pool is None or self._pool.idle)

    def retire(self) -> None:
        """Take no more calls; those in flight are answered."""
        self.client.retire()
        if self._pool is not None:
            self._pool.retire()

    async def close(self) -> None:
        """Close every connection; calls in flight fail."""
        await self.client.close()
        if self._pool is not None:
            await self._pool.close()
