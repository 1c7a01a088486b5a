"""Listening sockets, and the settings of uvicorn that all our servers share."""

from __future__ import annotations

import socket
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from coordinator.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.config import Settings

BACKLOG = 4096
UVICORN: Final[dict[str, Any]] = {
    "ws": "none",
    "lifespan": "off",
    "access_log": False,
    "log_config": None,
    "proxy_headers": False,
    "server_header": False,
    "backlog": BACKLOG,
    "timeout_keep_alive": 75,
    "timeout_graceful_shutdown": 10,
}


class Doors(NamedTuple):
    """Where a replica listens: the API's socket, and that of the admin port if it has one."""

    api: socket.socket
    admin: socket.socket | None


@contextmanager
def open_doors(settings: Settings, host: str, port: int) -> Iterator[Doors]:
    """Listen for as long as the context lasts.

    Raises:
        ConfigError: an address cannot be had.
    """
    with ExitStack() as stack:
        api = stack.enter_context(closing(_listen(host, port)))
        admin = None
        if settings.admin_port is not None:
            admin_host = settings.admin_host or host
            admin = stack.enter_context(closing(_listen(admin_host, settings.admin_port)))
        yield Doors(api, admin)


def _listen(host: str, port: int) -> socket.socket:
    """Bind to an address; where that fails, uvicorn would exit with a code of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error
