"""The way of a call to Redis, for any URL of ``config.URL_SCHEMES``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coordinator.store.address import parse
from coordinator.store.client import Client
from coordinator.store.cluster import ClusterRouter
from coordinator.store.node import Node
from coordinator.store.router import Router
from coordinator.store.sentinel import SentinelResolver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from coordinator.store.address import Endpoint, Location
    from coordinator.store.batch import Word
    from coordinator.store.client import Script

__all__ = ["Router", "SingleRouter", "connect"]


def connect(url: str, *, timeout: float, client_name: str, durability: str = "everysec") -> Router:
    """Return the router for `url`; it connects at the first call.

    Call it inside a running event loop.

    Args:
        url: where Redis is (see `address`).
        timeout: seconds a call waits for a connection, and again for its answer.
        client_name: what CLIENT LIST shows; no spaces.
        durability: ``everysec``, ``always`` (both are the server's own affair) or ``replicas:N``.

    Raises:
        ConfigError: the URL cannot be used.
    """
    location = parse(url, client_name)
    replicas = int(durability.partition(":")[2] or 0)
    kind = ClusterRouter if location.kind == "cluster" else SingleRouter
    return kind(location, timeout, replicas)


class SingleRouter(Router):
    """One primary: a fixed address, or whichever the sentinels name."""

    def __init__(self, location: Location, timeout: float, replicas: int) -> None:
        super().__init__(location, timeout)
        self._node = Node(self._make, replicas, timeout)

    @property
    def clients(self) -> Sequence[Client]:
        """The one client."""
        return (self._node.client,)

    def run(
        self,
        script: Script,
        keys: Sequence[bytes | str],
        args: Sequence[Word],
        *,
        durable: bool = False,
    ) -> Awaitable[Any]:
        """Run `script`; see `Router.run`."""
        return self._node.run(script, keys, args, durable=durable)

    def execute(self, key: bytes | str, *words: Word) -> Awaitable[Any]:  # noqa: ARG002 - it has all keys
        """Make a call; see `Router.execute`."""
        return self._node.client.execute(*words)

    async def primaries(self) -> list[Endpoint]:
        """Return the one address."""
        return [await self._resolve()]

    async def close(self) -> None:
        """Close every connection."""
        await self._node.close()

    async def _resolve(self) -> Endpoint:
        if self.location.kind == "sentinel":
            return await SentinelResolver(self.location, self.timeout)()
        return self.location.endpoints[0]

    def _make(self) -> Client:
        location = self.location
        sentinel = location.kind == "sentinel"
        return Client(
            location.master_name if sentinel else str(location.endpoints[0]),
            self._resolve,
            location.login,
            timeout=self.timeout,
            counters=self.counters,
            primary_only=sentinel,
        )
