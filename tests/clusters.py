"""A Redis Cluster of real servers for tests."""

from __future__ import annotations

from collections import Counter
from itertools import cycle
from typing import TYPE_CHECKING, Any

import users
from ports import free_ports
from redis.cluster import ClusterNode, RedisCluster
from servers import Server
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

    Table = tuple[tuple[int, int, int], ...]  # first and last slot, port of the primary

SLOTS = 16384
FORM_SECONDS = 30
TAKE_OVER_SECONDS = 60  # some 4 s on two idle cores
MIGRATED_AT_ONCE = 10
TIMEOUTS = ["--cluster-node-timeout", "2000"]


class Cluster:
    """Primaries that share the slots evenly, each with replicas that take over when it dies.

    `servers` are the primaries at the start, in slot order, and `replicas` the others.
    """

    def __init__(
        self,
        kind: str = "valkey",
        *,
        primaries: int = 3,
        replicas_each: int = 0,
        aof: bool = False,
        argv: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self._made = False
        self.aof = aof
        self.argv = ["--cluster-enabled", "yes", *TIMEOUTS, *argv]
        ports = free_ports(primaries * (1 + replicas_each))
        made = [self._server(port) for port in ports]
        self.servers, self.replicas = made[:primaries], made[primaries:]

    @property
    def url(self) -> str:
        """The URL under which the coordinator finds this cluster."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        return f"redis+cluster://{users.LOGIN if Server.guarded else ''}{hosts}"

    def owner(self, slot: int) -> Server:
        """Return the server of `servers` that has had `slot` since the start."""
        return self.servers[slot // self._step]

    @property
    def nodes(self) -> list[Server]:
        """Every server."""
        return [*self.servers, *self.replicas]

    @property
    def running(self) -> list[Server]:
        """The servers whose process runs."""
        return [server for server in self.nodes if server.process]

    def primaries(self) -> list[Server]:
        """Return the running servers that have slots now, as most nodes say, in slot order."""
        if not self.replicas:
            return self.servers
        ((view, _),) = Counter(map(_table, self.running)).most_common(1)
        by_port = {server.port: server for server in self.running}
        ports = dict.fromkeys(port for _, _, port in view)
        return [by_port[port] for port in ports if port in by_port]

    def present_owner(self, slot: int) -> Server:
        """Return the primary that has `slot` now."""
        for server in self.primaries():
            if any(a <= slot <= b and port == server.port for a, b, port in _table(server)):
                return server
        raise LookupError(f"slot {slot} has no primary")

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
        self._join([(replica, primary)])
        return replica

    def promote(self, replica: Server) -> None:
        """Let a replica take over from its primary, which becomes its replica."""
        with replica.client() as client:
            wait_until(lambda: _promote(client), FORM_SECONDS)

    def kill_primary(self, index: int = 0) -> Server:
        """Kill one of `primaries` with SIGKILL; `wait_whole` waits until it is taken over."""
        server = self.primaries()[index]
        server.kill()
        return server

    def restart_dead(self) -> None:
        """Start what was killed again, as replicas of those that took over.

        Before that it waits for these: a primary that comes back without its data while it still
        counts as one empties its replicas.
        """
        wait_until(lambda: _agree(self.running), TAKE_OVER_SECONDS)
        for server in self.nodes:
            if not server.process:
                server.start()
        self.wait_whole()

    def wait_whole(self) -> None:
        """Wait until each slot has a running primary and all others are replicas in step."""
        wait_until(self._whole, TAKE_OVER_SECONDS)

    def move_slot(
        self, slot: int, target: Server, between: Callable[[], None] = lambda: None
    ) -> None:
        """Hand a slot over to another primary, as redis-cli does, a few keys at a time.

        Args:
            slot: the slot.
            target: its new primary.
            between: called after each step.
        """
        source = self.present_owner(slot)
        source_id, target_id = self.node_id(source), self.node_id(target)
        with source.client() as old, target.client() as new:
            new.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", source_id)
            old.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target_id)
            between()
            where = ("127.0.0.1", target.port, "", 0, 5000, "REPLACE", "KEYS")
            while keys := old.execute_command("CLUSTER GETKEYSINSLOT", slot, MIGRATED_AT_ONCE):
                old.execute_command("MIGRATE", *where, *keys)
                between()
        for server in dict.fromkeys((target, source, *self.primaries())):
            with server.client() as client:
                client.execute_command("CLUSTER SETSLOT", slot, "NODE", target_id)

    def client(self) -> RedisCluster:
        """Return a new redis-py client; close it, or use it in a ``with`` statement."""
        nodes = [ClusterNode("127.0.0.1", server.port) for server in self.running]
        return RedisCluster(startup_nodes=nodes, **(users.ADMIN if Server.guarded else {}))

    def start(self) -> None:
        """Start the servers; the first time, make a cluster of them."""
        for server in self.nodes:
            server.start()
        if not self._made:
            self._make()
        self.wait_whole()

    def stop(self) -> None:
        """Stop every server."""
        for server in self.nodes:
            server.stop()

    def restart(self) -> None:
        """Stop every server, and start them again on the same data."""
        self.stop()
        self.start()

    def reset(self) -> None:
        """Remove all data and scripts."""
        for server in self.primaries():
            server.reset()

    def close(self) -> None:
        """Stop every server and remove their directories."""
        for server in self.nodes:
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
        wait_until(lambda: _agree(self.servers), FORM_SECONDS)
        self._join(list(zip(self.replicas, cycle(self.servers), strict=False)))

    def _join(self, pairs: list[tuple[Server, Server]]) -> None:
        """Make servers replicas, each of the primary beside it, and wait until all know it."""
        for replica, primary in pairs:
            with replica.client() as client:
                client.execute_command("CLUSTER MEET", "127.0.0.1", primary.port)
        for replica, primary in pairs:
            name = self.node_id(primary)
            with replica.client() as client:
                wait_until(lambda client=client, name=name: _knows(client, name), FORM_SECONDS)
                client.execute_command("CLUSTER REPLICATE", name)
        names = [self.node_id(replica) for replica, _ in pairs]
        wait_until(lambda: all(_in_step(replica) for replica, _ in pairs), FORM_SECONDS)
        wait_until(lambda: all(_has_replicas(s, names) for s in self.primaries()), FORM_SECONDS)

    def _whole(self) -> bool:
        primaries = self.primaries()
        others = [server for server in self.running if server not in primaries]
        return _agree(self.running) and all(map(_in_step, others))


def _knows(client: redis.Redis, node_id: str) -> bool:
    """Say whether the node of `client` has heard of another one."""
    return node_id in str(client.execute_command("CLUSTER NODES"))


def _table(server: Server) -> Table:
    """Return who has which slots, as this node says."""
    with server.client() as client:
        rows: list[list[Any]] = client.execute_command("CLUSTER SLOTS")
    return tuple(sorted((first, last, primary[1]) for first, last, primary, *_ in rows))


def _in_step(server: Server) -> bool:
    """Say whether this is a replica that has its primary's data."""
    with server.client() as client:
        return bool(client.info("replication").get("master_link_status") == "up")


def _has_replicas(server: Server, node_ids: list[str]) -> bool:
    """Say whether this node knows that the others are replicas (before that they get no vote)."""
    with server.client() as client:
        nodes = client.execute_command("CLUSTER NODES").values()
    return {node["node_id"] for node in nodes if "slave" in node["flags"]} >= set(node_ids)


def _promote(client: redis.Redis) -> bool:
    """Ask a replica to take over, and say whether it did: an attempt may come to nothing."""
    client.execute_command("CLUSTER FAILOVER")
    try:
        return bool(wait_until(lambda: client.info("replication")["role"] == "master", 3))
    except TimeoutError:
        return False


def _agree(running: list[Server]) -> bool:
    """Say whether all these nodes serve, and name one of them for every slot, all the same."""
    ports = {server.port for server in running}
    view, *others = {_table(server) for server in running}
    covered = sum(last - first + 1 for first, last, port in view if port in ports)
    return not others and covered == SLOTS and all(map(_is_ok, running))


def _is_ok(server: Server) -> bool:
    """Say whether this node serves."""
    with server.client() as client:
        info = client.execute_command("CLUSTER INFO")
    text = info.decode() if isinstance(info, bytes) else str(info)
    return "cluster_state:ok" in text or "'cluster_state': 'ok'" in text
