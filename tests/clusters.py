"""A Redis Cluster of real servers for tests."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import TYPE_CHECKING

from redis.cluster import ClusterNode, RedisCluster
from servers import Server
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOTS = 16384
BUS = 10000  # the cluster bus listens on port + 10000
FORM_SECONDS = 30
TIMEOUTS = ["--cluster-node-timeout", "2000"]


class Cluster:
    """Primaries that share the slots evenly; `servers` are in slot order."""

    def __init__(
        self,
        kind: str = "valkey",
        *,
        primaries: int = 3,
        aof: bool = False,
        argv: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self._made = False
        options = ["--cluster-enabled", "yes", *TIMEOUTS, *argv]
        self.servers = [
            Server(kind, aof=aof, argv=options, port=port) for port in free_ports(primaries)
        ]

    @property
    def url(self) -> str:
        """The URL under which the coordinator finds this cluster."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def client(self) -> RedisCluster:
        """Return a new redis-py client; close it, or use it in a ``with`` statement."""
        return RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", s.port) for s in self.servers])

    def start(self) -> None:
        """Start the servers; the first time, make a cluster of them."""
        for server in self.servers:
            server.start()
        if not self._made:
            self._make()
        wait_until(self._formed, FORM_SECONDS)

    def stop(self) -> None:
        """Stop every server."""
        for server in self.servers:
            server.stop()

    def restart(self) -> None:
        """Stop every server, and start them again on the same data."""
        self.stop()
        self.start()

    def reset(self) -> None:
        """Remove all data and scripts."""
        for server in self.servers:
            server.reset()

    def close(self) -> None:
        """Stop every server and remove their directories."""
        for server in self.servers:
            server.close()

    def _make(self) -> None:
        self._made = True
        step = SLOTS // len(self.servers) + 1
        for index, server in enumerate(self.servers):
            last = min(step * (index + 1), SLOTS) - 1
            with server.client() as client:
                client.execute_command("CLUSTER ADDSLOTSRANGE", step * index, last)
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
        with self.servers[0].client() as client:
            for server in self.servers[1:]:
                client.execute_command("CLUSTER MEET", "127.0.0.1", server.port)

    def _formed(self) -> bool:
        return all(_sees(server, len(self.servers)) for server in self.servers)


def _sees(server: Server, primaries: int) -> bool:
    """Say whether this node finds the cluster whole and knows who has every slot."""
    with server.client() as client:
        info = client.execute_command("CLUSTER INFO")
        text = info.decode() if isinstance(info, bytes) else str(info)
        known = len(client.execute_command("CLUSTER SLOTS")) == primaries
    return known and ("cluster_state:ok" in text or "'cluster_state': 'ok'" in text)


def free_ports(count: int) -> list[int]:
    """Return `count` ports that are free now, each with its bus port, below the ephemeral ones."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randint(12000, 22000)  # noqa: S311 - not a secret
        if port not in ports and _is_free(port) and _is_free(port + BUS):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
