"""Free TCP ports for servers, in a range of their own for each worker of pytest-xdist."""

from __future__ import annotations

import os
import random
import socket
from contextlib import closing

BUS = 10000  # the bus of a cluster's node listens on port + 10000
PORTS = range(12000, 22000)  # their bus ports are below the ephemeral ones, too


def free_ports(count: int) -> list[int]:
    """Return `count` ports of this worker's that are free now, each with its bus port."""
    own, ports = worker_ports(), list[int]()
    while len(ports) < count:
        port = random.choice(own)  # noqa: S311 - not a secret
        if port not in ports and _is_free(port) and _is_free(port + BUS):
            ports.append(port)
    return ports


def worker_ports() -> range:
    """Return the ports that only this worker of pytest-xdist takes; without workers all of them."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = len(PORTS) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return PORTS[number * share : (number + 1) * share]


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
