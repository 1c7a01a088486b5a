"""Listening sockets, and the settings of uvicorn that all our servers share."""

from __future__ import annotations

import socket
from typing import Any, Final

from coordinator.config import ConfigError

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


def listen(host: str, port: int) -> socket.socket:
    """Bind to an address; where that fails, uvicorn would exit with a code of its own.

    Raises:
        ConfigError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error
