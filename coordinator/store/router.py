"""What every way to Redis offers: one server, Sentinel or Cluster."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from coordinator.store.admin import admin_client
from coordinator.store.batch import Counters

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from redis.asyncio import Redis

    from coordinator.store.address import Endpoint, Location
    from coordinator.store.batch import Word
    from coordinator.store.client import Client, Script


class Router(ABC):
    """Sends each call to the server that has its key.

    Args:
        location: the parsed URL.
        timeout: seconds a call waits for a connection, and again for its answer.
    """

    def __init__(self, location: Location, timeout: float) -> None:
        self.location = location
        self.timeout = timeout
        self.counters = Counters()

    @property
    @abstractmethod
    def clients(self) -> Sequence[Client]:
        """The clients of the primaries known now."""

    @abstractmethod
    def run(
        self,
        script: Script,
        keys: Sequence[bytes | str],
        args: Sequence[Word],
        *,
        durable: bool = False,
    ) -> Awaitable[Any]:
        """Run `script` where ``keys[0]`` is and return its reply (bytes, int, list or None).

        With `durable` the reply comes only when it is as durable as the setting asks for.

        Raises:
            UnavailableError: Redis cannot do it now; it had no effect.
            UnknownOutcomeError: it may have had its effect; repeat it.
            ScriptError: the script refused, or failed.
        """

    @abstractmethod
    def execute(self, key: bytes | str, *words: Word) -> Awaitable[Any]:
        """Make any call where `key` is (it need not be one of `words`); raises as `run`."""

    @abstractmethod
    async def primaries(self) -> list[Endpoint]:
        """Return the address of every primary.

        Raises:
            UnavailableError: they cannot be found now.
        """

    async def primary_of(self, key: bytes | str) -> Endpoint:  # noqa: ARG002 - one has all keys
        """Return the address of the primary that has `key`; raises as `primaries`."""
        return (await self.primaries())[0]

    @abstractmethod
    async def close(self) -> None:
        """Close every connection; calls in flight fail."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection to every primary known (and at least one is)."""
        clients = self.clients
        return bool(clients) and all(client.connected for client in clients)

    @property
    def last_error(self) -> str | None:
        """Why a primary is not connected; None if all are, or nothing was called yet."""
        errors = (
            f"{client.name}: {client.last_error}" for client in self.clients if client.last_error
        )
        return next(errors, None)

    async def ping(self) -> None:
        """Make sure that every primary answers, connecting where needed; raises as `run`."""
        await self.primaries()
        await asyncio.gather(*(client.execute("PING") for client in self.clients))

    async def admin_clients(self) -> list[Redis]:
        """Return a new redis-py client of each present primary, for the caller to close.

        Ask anew after a failure: the primaries may be others by then.
        """
        login = self.location.login
        return [admin_client(endpoint, login, self.timeout) for endpoint in await self.primaries()]
