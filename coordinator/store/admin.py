"""redis-py clients, for pub/sub and administration."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coordinator.store.address import Endpoint, Login

RETRIES = 1  # a pooled connection may have died unnoticed; more is the caller's to decide

# What redis-py raises when a connection is lost. uvloop answers a write to one that was closed just
# before with a RuntimeError, which redis-py passes on.
LOST = (RedisError, OSError, RuntimeError)


def admin_client(endpoint: Endpoint, login: Login, timeout: float) -> Redis:
    """Return a redis-py client of one server; the caller closes it with ``aclose()``.

    Connecting, and reading a reply, take at most `timeout` seconds.
    """
    options: dict[str, Any] = {
        # A user needs no right to CLIENT SETINFO, which older servers do not know.
        "driver_info": None,
        "username": login.username or None,
        "password": login.secret() or None,
        "db": login.db,
        "client_name": login.client_name or None,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), RETRIES),
        "protocol": 2,
    }
    if endpoint.path:
        return Redis(unix_socket_path=endpoint.path, **options)
    return Redis(host=endpoint.host, port=endpoint.port, **options, **login.ssl_options)


async def close_all(clients: Iterable[Redis]) -> None:
    """Close clients; a connection that does not end in time is of no interest any more."""
    await asyncio.gather(*(client.aclose() for client in clients), return_exceptions=True)
