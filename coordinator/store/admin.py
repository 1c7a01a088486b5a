"""redis-py clients, for pub/sub and administration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

if TYPE_CHECKING:
    from coordinator.store.address import Endpoint, Login

RETRIES = 1  # a pooled connection may have died unnoticed; more is the caller's to decide


def admin_client(endpoint: Endpoint, login: Login, timeout: float) -> Redis:
    """Return a redis-py client of one server; the caller closes it with ``aclose()``.

    Connecting, and reading a reply, take at most `timeout` seconds.
    """
    options: dict[str, Any] = {
        "username": login.username or None,
        "password": login.password or None,
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
