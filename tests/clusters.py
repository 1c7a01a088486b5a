"""A Redis Cluster of real servers for tests."""

from __future__ import annotations

import random
import socket
from contextlib import closing
from typing import TYPE_CHECKING

from redis.cluster import ClusterNode, RedisCluster
from servers import Server
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

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
        self.aof = aof
        self.argv = ["--cluster-enabled", "yes", *TIMEOUTS, *argv]
        self.servers = [self._server(port) for port in free_ports(primaries)]
        self.replicas: list[Server] = []

    @property
    def url(self) -> str:
        """The URL under which the coordinator finds this cluster."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)

    def owner(self, slot: int) -> Server:
        """Return the server of `servers` that has had `slot` since the start."""
        return self.servers[slot // self._step]

    def node_id(self, server: Server) -> str:
        """Return the name by which the nodes know this server."""
        with server.client() as client:
            name = client.execute_command("CLUSTER MYID")
            return name.decode() if isinstance(name, bytes) else str(name)

    def add_replica(self, primary: Server) -> Server:
        """Start a replica of `primary`, and wait until it has its data."""
        (port,) = free_ports(1)
        replica = self._server(port)
        self.replicas.append(replica)
        replica.start()
        with replica.client() as client:
            client.execute_command("CLUSTER MEET", "127.0.0.1", primary.port)
            wait_until(lambda: _knows(client, self.node_id(primary)), FORM_SECONDS)
            client.execute_command("CLUSTER REPLICATE", self.node_id(primary))
            wait_until(lambda: client.info("replication").get("master_link_status") == "up")
        name = self.node_id(replica)
        wait_until(lambda: all(_has_replica(server, name) for server in self.servers), FORM_SECONDS)
        return replica

    def promote(self, replica: Server) -> None:
        """Let a replica take over from its primary, which becomes its replica."""
        with replica.client() as client:
            wait_until(lambda: _promote(client), FORM_SECONDS)

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
        for server in (*self.servers, *self.replicas):
            server.close()

    @property
    def _step(self) -> int:
        return SLOTS // len(self.servers) + 1

    def _server(self, port: int) -> Server:
        return Server(self.kind, aof=self.aof, argv=self.argv, port=port)

    def _make(self) -> None:
        self._made = True
        step = self._step
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


def _knows(client: redis.Redis, node_id: str) -> bool:
    """Say whether the node of `client` has heard of another one."""
    return node_id in str(client.execute_command("CLUSTER NODES"))


def _has_replica(server: Server, node_id: str) -> bool:
    """Say whether this node knows that the other is a replica (before that it gives it no vote)."""
    with server.client() as client:
        nodes = client.execute_command("CLUSTER NODES").values()
    return any(node["node_id"] == node_id and "slave" in node["flags"] for node in nodes)


def _promote(client: redis.Redis) -> bool:
    """Ask a replica to take over, and say whether it did: an attempt may come to nothing."""
    client.execute_command("CLUSTER FAILOVER")
    try:
        return bool(wait_until(lambda: client.info("replication")["role"] == "master", 3))
    except TimeoutError:
        return False


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
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
