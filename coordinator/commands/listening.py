"""Listening sockets, and the settings of uvicorn that all our servers share."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from coordinator.config import ConfigError
from coordinator.web.connections import KEEP_ALIVE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coordinator.config import Settings

log = logging.getLogger("coordinator")
BACKLOG = 4096
UVICORN: Final[dict[str, Any]] = {
    "ws": "none",
    "lifespan": "off",
    "access_log": False,
    "log_config": None,
    "proxy_headers": False,
    "server_header": False,
    "backlog": BACKLOG,
    "timeout_keep_alive": KEEP_ALIVE_SECONDS,  # of the admin port; the API sees to it itself
    "timeout_graceful_shutdown": 10,
}


class Doors(NamedTuple):
    """Where a replica listens: the API's socket, and that of the admin port if it has one."""

    api: socket.socket
    admin: socket.socket | None


@contextmanager
def open_doors(settings: Settings, host: str, port: int, count: int) -> Iterator[list[Doors]]:
    """Listen for as long as the context lasts, and say where; doors for `count` processes.

    Raises:
        ConfigError: an address cannot be had.
    """
    with ExitStack() as stack:
        api = _listen(stack, host, port, count)
        admin: Sequence[socket.socket | None] = [None] * count
        if settings.admin_port is not None:
            admin = _listen(stack, settings.admin_host or host, settings.admin_port, count)
        yield list(map(Doors, api, admin))


def announce(settings: Settings, doors: Doors) -> None:
    """Say where a service listens."""
    scheme = "https" if settings.tls_certificate else "http"
    host, port = doors.api.getsockname()[:2]
    log.info("serving the AWS Data Pipeline API on %s://%s:%d", scheme, host, port)
    if doors.admin is not None:
        host, port = doors.admin.getsockname()[:2]
        log.info("serving metrics and health on http://%s:%d", host, port)


def _listen(stack: ExitStack, host: str, port: int, count: int) -> list[socket.socket]:
    """Listen `count` times on one address, between which Linux spreads connections evenly.

    Elsewhere one socket serves all. The first one is exclusive, if only for a moment: another
    service at the address must be noticed, not joined.
    """
    first = stack.enter_context(closing(_bound(host, port)))
    if count == 1 or sys.platform != "linux":
        return [first] * count
    port = first.getsockname()[1]
    first.close()
    return [stack.enter_context(closing(_bound(host, port, shared=True))) for _ in range(count)]


def _bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind to an address; where that fails, uvicorn would exit with a code of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shared)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error
