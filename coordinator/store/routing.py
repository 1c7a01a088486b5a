"""The way of a call to Redis, for any URL of ``config.URL_SCHEMES``."""

from __future__ import annotations

import asyncio
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

__all__ = ["Router", "SentinelRouter", "SingleRouter", "connect"]


def connect(
    url: str,
    *,
    timeout: float,
    client_name: str,
    durability: str = "everysec",
    password_file: str = "",
) -> Router:
    """Return the router for `url`; it connects at the first call.

    Call it inside a running event loop.

    Args:
        url: where Redis is (see `address`).
        timeout: seconds a call waits for a connection, and again for its answer.
        client_name: what CLIENT LIST shows; no spaces.
        durability: ``everysec``, ``always`` (both are the server's own affair) or ``replicas:N``.
        password_file: has the password of Redis, which the URL then must not have.

    Raises:
        ConfigError: the URL cannot be used.
    """
    location = parse(url, client_name, password_file)
    replicas = int(durability.partition(":")[2] or 0)
    return KINDS[location.kind](location, timeout, replicas)


class SingleRouter(Router):
    """One primary at a fixed address."""

    primary_only = False

    def __init__(self, location: Location, timeout: float, replicas: int) -> None:
        super().__init__(location, timeout)
        self._node = Node(self._make, replicas, timeout)

    @property
    def name(self) -> str:
        """The server as messages show it."""
        return str(self.location.endpoints[0])

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
        return [await self.resolve()]

    async def resolve(self) -> Endpoint:
        """Return where the primary is now."""
        return self.location.endpoints[0]

    async def close(self) -> None:
        """Close every connection."""
        await self._node.close()

    def _make(self, patience: float) -> Client:
        return Client(
            self.name,
            self.resolve,
            self.location.login,
            timeout=self.timeout,
            patience=patience,
            counters=self.counters,
            primary_only=self.primary_only,
        )


class SentinelRouter(SingleRouter):
    """One primary: whichever the sentinels name."""

    primary_only = True

    def __init__(self, location: Location, timeout: float, replicas: int) -> None:
        self._resolver = SentinelResolver(location, timeout)
        super().__init__(location, timeout, replicas)
        self._watch = asyncio.create_task(self._resolver.watch(self._node.follow))

    @property
    def name(self) -> str:
        """The name of the master."""
        return self.location.master_name

    async def resolve(self) -> Endpoint:
        """Return where the primary is now."""
        return await self._resolver()

    async def close(self) -> None:
        """Close every connection."""
        self._watch.cancel()
        await asyncio.wait([self._watch])
        await super().close()


KINDS: dict[str, type[ClusterRouter | SingleRouter]] = {
    "single": SingleRouter,
    "sentinel": SentinelRouter,
    "cluster": ClusterRouter,
}
