"""One server as a router sees it: a client, and lanes for durable calls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from coordinator.store.durability import DurablePool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from coordinator.store.address import Endpoint
    from coordinator.store.batch import Word
    from coordinator.store.client import Client, Script


# Times the timeout of other calls: under appendfsync everysec an acknowledgement takes up to two
# seconds, one here and one on the replica.
DURABLE_PATIENCE = 3


class Node:
    """A server.

    Args:
        make: makes a client of it that waits so many seconds for an answer.
        replicas: how many must acknowledge a durable call; 0 makes durable calls like any other.
        timeout: seconds of a call.
    """

    def __init__(self, make: Callable[[float], Client], replicas: int, timeout: float) -> None:
        self.client = make(timeout)
        patience = timeout * DURABLE_PATIENCE
        durable = partial(make, patience)
        self._pool = DurablePool(durable, replicas, patience) if replicas else None

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
    def clients(self) -> list[Client]:
        """Every client of this server, those of the lanes too."""
        return [self.client, *(self._pool.clients if self._pool is not None else ())]

    @property
    def idle(self) -> bool:
        """Whether no connection is left."""
        return all(client.idle for client in self.clients)

    def follow(self, primary: Endpoint) -> None:
        """Leave every connection to another server than `primary`."""
        for client in self.clients:
            client.follow(primary)

    def retire(self) -> None:
        """Take no more calls; those in flight are answered."""
        for client in self.clients:
            client.retire()

    async def close(self) -> None:
        """Close every connection; calls in flight fail."""
        await self.client.close()
        if self._pool is not None:
            await self._pool.close()
