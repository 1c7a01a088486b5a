"""A primary, its replicas and the sentinels that watch them, for tests."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ports import free_ports
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import ResponseError
from servers import Server
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

NAME = "mymaster"
DOWN_AFTER_MS = 1000
FAILOVER_TIMEOUT_MS = 3000
FORBIDDEN = ("-ping", "-psync", "-sync", "-replconf")
FORM_SECONDS = 30
FAILOVER_SECONDS = 60  # some 2 s on two idle cores; up to 10 s more until the old primary follows


class Sentinel(Server):
    """A sentinel that watches one primary under the name ``mymaster``."""

    def watch(self, primary: Server, quorum: int) -> None:
        """Write the configuration; call it before the first `start`."""
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"unixsocket {self.socket}",
            f"dir {self.directory}",
            f"sentinel monitor {NAME} 127.0.0.1 {primary.port} {quorum}",
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}",
        ]
        (self.directory / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def command_line(self) -> list[str]:
        """Return the command that `start` runs."""
        return [str(self.binary), str(self.directory / "sentinel.conf"), "--sentinel"]

    def sees(self, replicas: int, sentinels: int) -> bool:
        """Say whether it has found the replicas and the other sentinels, and all are well."""
        with self.client() as client:
            state = client.sentinel_master(NAME)
            healthy = [r for r in client.sentinel_slaves(NAME) if r["flags"] == "slave"]
        found = (int(state["num-slaves"]), int(state["num-other-sentinels"]))
        return found == (replicas, sentinels) and len(healthy) == replicas

    def primary_port(self) -> int:
        """Return the port of the primary that it names."""
        with self.client() as client:
            return int(client.sentinel_get_master_addr_by_name(NAME)[1])


class Sentinels:
    """`servers`, of which one is the primary, and `sentinels`, of which a majority decides.

    Args:
        kind: ``valkey`` or ``redis7``, of all of them.
        replicas: how many servers follow the primary.
        sentinels: how many watch.
        aof: the servers keep append-only files.
        argv: further options of the servers.
    """

    def __init__(
        self,
        kind: str = "valkey",
        *,
        replicas: int = 2,
        sentinels: int = 3,
        aof: bool = False,
        argv: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self.argv = list(argv)
        ports = free_ports(1 + replicas + sentinels)
        self.servers = [Server(kind, aof=aof, port=port) for port in ports[: 1 + replicas]]
        self.sentinels = [Sentinel(kind, port=port) for port in ports[1 + replicas :]]

    @property
    def url(self) -> str:
        """The URL under which the coordinator finds the primary."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{NAME}/0"

    @property
    def running(self) -> list[Server]:
        """The servers whose process runs."""
        return [server for server in self.servers if server.process]

    def primary(self) -> Server:
        """Return the server that a sentinel names; before a failover it may be dead."""
        port = next(each for each in self.sentinels if each.process).primary_port()
        return next(server for server in self.servers if server.port == port)

    def primaries(self) -> list[Server]:
        """Return the one primary."""
        return [self.primary()]

    def client(self) -> redis.Redis:
        """Return a new redis-py client of the primary; close it, or use it in a ``with``."""
        return self.primary().client()

    def start(self) -> None:
        """Start all of it, and wait until every sentinel knows every server."""
        first = self.servers[0]
        self._start(first)
        for server in self.servers[1:]:
            self._start(server, first)
        for sentinel in self.sentinels:
            sentinel.watch(first, len(self.sentinels) // 2 + 1)
            sentinel.start()
        wait_until(self._whole, FORM_SECONDS)

    def kill_primary(self) -> Server:
        """Kill the primary with SIGKILL; `wait_for_primary` waits for the next one."""
        server = self.primary()
        server.kill()
        return server

    def failover(self) -> Server:
        """Let the sentinels put another server in the primary's place; return the new one.

        The old one lives on, and takes writes until a sentinel makes it a replica.
        """
        before = self.primary()
        wait_until(lambda: self._fail_over(before), FAILOVER_SECONDS)
        return self.wait_for_primary(before)

    def isolate_primary(self) -> Server:
        """Cut the primary off from sentinels and replicas, which put another in its place.

        Who is connected to it stays so and can go on writing: this is a partition of the network
        with the clients on the wrong side. To heal it, kill the server and use `restart_dead`.
        """
        server = self.primary()
        with server.client() as client:
            client.execute_command("ACL", "SETUSER", "default", *FORBIDDEN)
            client.client_kill_filter(_type="replica")
        return server

    def wait_for_primary(self, instead_of: Server | None = None) -> Server:
        """Wait until all sentinels name the same running server, which is a primary; return it."""

        def found() -> Server | None:
            primary = self._agreed()
            return primary if primary is not instead_of else None

        primary: Server = wait_until(found, FAILOVER_SECONDS)
        return primary

    def restart_dead(self) -> None:
        """Start what was killed again: servers as replicas of the primary that took over."""
        for sentinel in self.sentinels:
            if not sentinel.process:
                sentinel.start()
        primary = self.wait_for_primary()
        for server in self.servers:
            if not server.process:
                self._start(server, primary)
        self.wait_whole()

    def wait_whole(self) -> None:
        """Wait until the sentinels agree and all other servers are replicas in step."""
        wait_until(self._whole, FAILOVER_SECONDS)

    def close(self) -> None:
        """Stop everything and remove the directories."""
        for server in (*self.sentinels, *self.servers):
            server.close()

    def _start(self, server: Server, primary: Server | None = None) -> None:
        follow = ["--replicaof", f"127.0.0.1 {primary.port}"] if primary else []
        server.argv = [*self.argv, *follow]
        server.start()

    def _fail_over(self, before: Server) -> bool:
        """Ask for a failover, which may come to nothing, and say whether it happened."""
        if self.primary() is not before:
            return True
        with suppress(ResponseError), self.sentinels[0].client() as client:
            client.execute_command("SENTINEL", "FAILOVER", NAME)
        with suppress(TimeoutError):
            wait_until(lambda: self.primary() is not before, 5)
        return self.primary() is not before

    def _agreed(self) -> Server | None:
        """Return the primary if all sentinels name it and it says so itself."""
        ports = {each.primary_port() for each in self.sentinels if each.process}
        for server in self.running:
            if ports == {server.port} and _replication(server).get("role") == "master":
                return server
        return None

    def _whole(self) -> bool:
        primary = self._agreed()
        others = [_replication(server) for server in self.running if server is not primary]
        followers = len(self.servers) - 1
        return (
            primary is not None
            and all(state.get("master_port") == primary.port for state in others)
            and all(state.get("master_link_status") == "up" for state in others)
            and all(s.sees(followers, len(self.sentinels) - 1) for s in self.sentinels)
        )


def _replication(server: Server) -> dict[str, object]:
    """Return what a server says of its part; nothing while it cannot say."""
    with suppress(LostError), server.client() as client:
        return dict(client.info("replication"))
    return {}
