"""Find the present primary by asking sentinels.

After a failover the old primary may live on for ten seconds or more before a sentinel demotes it,
and whatever is written to it is lost. So the sentinels are asked once a second, not only when a
connection breaks.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from coordinator.errors import UnavailableError
from coordinator.store.address import Endpoint
from coordinator.store.admin import LOST, close_all
from coordinator.store.cancellation import heed_cancellation

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.store.address import Location

WATCH_SECONDS = 1.0


class SentinelResolver:
    """Ask the sentinels of a ``redis+sentinel://`` URL where the primary is now.

    Args:
        location: the parsed URL.
        timeout: seconds that all sentinels together may take.
    """

    def __init__(self, location: Location, timeout: float) -> None:
        self._location = location
        self._timeout = timeout

    async def __call__(self) -> Endpoint:
        """Return the primary's address.

        Raises:
            UnavailableError: no sentinel knows a primary of that name.
        """
        name = self._location.master_name
        sentinel = self._sentinel()
        try:
            host, port = await sentinel.discover_master(name)
        except LOST as error:
            addresses = ", ".join(map(str, self._location.endpoints))
            raise UnavailableError(f"no sentinel of {addresses} knows a healthy {name}") from error
        finally:
            await close_all(sentinel.sentinels)
            heed_cancellation()
        return Endpoint(host, int(port))

    async def watch(self, follow: Callable[[Endpoint], None]) -> None:
        """Tell `follow` once a second where the primary is, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with suppress(UnavailableError):
                follow(await self())

    def _sentinel(self) -> Sentinel:
        location = self._location
        # A sentinel that is silent leaves the others their time.
        share = self._timeout / (len(location.endpoints) + 1)
        options: dict[str, Any] = {
            "username": location.sentinel_username or None,
            "password": location.sentinel_password or None,
            "socket_timeout": share,
            "socket_connect_timeout": share,
            "retry": Retry(NoBackoff(), 0),
            **location.login.ssl_options,
        }
        addresses = [(endpoint.host, endpoint.port) for endpoint in location.endpoints]
        return Sentinel(addresses, sentinel_kwargs=options)  # type: ignore[no-untyped-call]  # redis-py
