"""Calls to a primary that sentinels name."""

from __future__ import annotations

from contextlib import suppress

import pytest
from clusters import free_ports
from servers import Server
from waiting import eventually, wait_until

from coordinator.errors import UnavailableError
from coordinator.store.client import Script

pytestmark = pytest.mark.timeout(60)

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")


class Sentinel(Server):
    """A sentinel that watches one primary under the name ``mymaster``."""

    def watch(self, primary: Server) -> None:
        """Write the configuration; call it before `start`."""
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"unixsocket {self.socket}",
            f"dir {self.directory}",
            f"sentinel monitor mymaster 127.0.0.1 {primary.port} 2",
            "sentinel down-after-milliseconds mymaster 500",
            "sentinel failover-timeout mymaster 3000",
        ]
        (self.directory / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def command_line(self) -> list[str]:
        """Return the command that `start` runs."""
        return [str(self.binary), str(self.directory / "sentinel.conf"), "--sentinel"]

    def sees(self, replicas: int, sentinels: int) -> bool:
        """Say whether it has found the replicas and the other sentinels."""
        with self.client() as client:
            state = client.sentinel_master("mymaster")
        found = (int(state["num-slaves"]), int(state["num-other-sentinels"]))
        return found == (replicas, sentinels)


@pytest.fixture(params=["valkey", "redis7"])
def group(request, new_server):
    """A primary, its replica, the URL of the two sentinels that watch them, and these."""
    kind = request.param
    ports = free_ports(4)
    primary = new_server(kind, port=ports[0])
    replica = new_server(kind, port=ports[1], argv=["--replicaof", f"127.0.0.1 {ports[0]}"])
    sentinels = [Sentinel(kind, port=port) for port in ports[2:]]
    for sentinel in sentinels:
        sentinel.watch(primary)
        sentinel.start()
    for sentinel in sentinels:
        wait_until(lambda sentinel=sentinel: sentinel.sees(1, 1), 20)
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports[2:])
    yield primary, replica, f"redis+sentinel://{hosts}/mymaster/0", sentinels
    for sentinel in sentinels:
        sentinel.close()


async def test_a_failover_is_followed(group, new_router):
    """When the primary is killed, the same client finds the one that takes over."""
    primary, replica, url, _ = group
    router = new_router(url, timeout=20)
    assert await router.run(COUNT, ["n"], []) == 1
    assert [endpoint.port for endpoint in await router.primaries()] == [primary.port]
    assert await router.execute("n", "WAIT", 1, 5000) == 1
    primary.kill()
    await eventually(lambda: not router.connected)
    assert await router.run(COUNT, ["n"], []) == 2
    assert [endpoint.port for endpoint in await router.primaries()] == [replica.port]


async def test_a_primary_that_is_demoted_while_it_lives_is_left(group, new_router):
    """After a failover by hand, calls go to the new primary and none to the old one."""
    primary, replica, url, sentinels = group
    router = new_router(url, timeout=10)
    assert await router.run(COUNT, ["n"], []) == 1
    with sentinels[0].client() as sentinel:
        sentinel.execute_command("SENTINEL", "FAILOVER", "mymaster")
    await eventually(lambda: _role(replica) == "master", 20)
    with replica.client() as client:
        await eventually(lambda: _lands(router, client), 5)
        assert _role(primary) == "master", "the old primary was demoted: this proves nothing"


async def test_sentinels_that_know_no_primary_are_named(new_router):
    """When no sentinel answers, the error names the master and the sentinels."""
    router = new_router("redis+sentinel://127.0.0.1:1,127.0.0.1:2/orders", timeout=0.5)
    with pytest.raises(UnavailableError, match=r"orders has been.*127\.0\.0\.1:1, 127\.0\.0\.1:2"):
        await router.run(COUNT, ["n"], [])


def _role(server):
    with server.client() as client:
        return client.info("replication")["role"]


async def _lands(router, client):
    """Make a call and say whether this server saw its effect."""
    with suppress(UnavailableError):
        answer = await router.run(COUNT, ["n"], [])
        return client.get("n") == b"%d" % answer
