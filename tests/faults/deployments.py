"""A whole deployment under test: Redis, three replicas, and proxies on both sides of these."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from clusters import Cluster
from faketime import SteppedServer
from network import Network
from replicas import ReplicaProcess, run_command
from sentinels import Sentinels
from servers import Server
from waiting import wait_until

if TYPE_CHECKING:
    from proxy import Proxy

READY_SECONDS = 40
# Short leases, so that many are lost in a short time. The grace is longer than the longest lease.
SETTINGS = {
    "ACK_TIMEOUT": 2,
    "PROGRESS_TIMEOUT": 3,
    "POLL_WAIT": 1,
    "REDIS_TIMEOUT": 1,
    "OUTAGE_THRESHOLD": 2,
    "OUTAGE_GRACE": 4,
    "MAX_LOST_LEASES": 1000,
}
ALWAYS = ["--appendfsync", "always"]
SHARDS = 12  # of a cluster
# Across a failover promise 1 holds where every replica of Redis that can be put in the primary's
# place acknowledges, and a primary without any takes no writes.
LEAST = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "3"]
DURABILITY = {"sentinel": "replicas:2", "cluster": "replicas:1"}


class Deployment:
    """Three `coordinator serve` processes on one Redis; runners reach them through `front`.

    Each replica has a proxy of its own to a single Redis, in `back`. Sentinels and the nodes of a
    cluster name their own addresses, so there is no proxy before these.

    Args:
        kind: valkey, redis7, sentinel (a primary, two replicas and three sentinels) or cluster
            (three primaries with a replica each, and 12 shards); the last two are of Valkey.
        replicas: how many `coordinator serve`.
        clock: whether the clock of the server can be stepped (valkey).
    """

    def __init__(self, kind: str, *, replicas: int = 3, clock: bool = False) -> None:
        self.kind = kind
        self.shards = SHARDS if kind == "cluster" else 1
        self.network = Network()
        self.clock = clock
        self.store = SteppedServer(aof=True, argv=ALWAYS, offset=0) if clock else _make_store(kind)
        self.store.start()
        self.back: list[Proxy] = []
        urls = [self.store.url] * replicas
        if isinstance(self.store, Server):
            self.back = [self.network.open(self.store.socket) for _ in urls]
            urls = [proxy.url for proxy in self.back]
        if kind == "cluster":
            grown = run_command("shards", "grow", str(SHARDS), REDIS_URL=self.store.url)
            assert grown.returncode == 0, grown.stderr
        durability = DURABILITY.get(kind, "everysec")
        self.replicas = [ReplicaProcess(u, DURABILITY=durability, **SETTINGS) for u in urls]
        for replica in self.replicas:
            replica.start(wait=False)
        self.front: list[Proxy] = [self.network.open(replica.port) for replica in self.replicas]
        self.wait_until_ready()

    @property
    def ports(self) -> list[int]:
        """Where runners and the operator find the replicas."""
        return [proxy.port for proxy in self.front]

    @property
    def servers(self) -> list[Server]:
        """Every process of Redis that runs and holds data."""
        return [self.store] if isinstance(self.store, Server) else self.store.running

    def start_replica(self, number: int) -> None:
        """Start a replica, again and again as a supervisor does: a start may rightly be refused.

        Raises:
            TimeoutError: that went on for too long.
        """
        wait_until(lambda: _starts(self.replicas[number]), READY_SECONDS)

    def wait_until_whole(self) -> None:
        """Wait until every primary is there and has its replicas.

        Raises:
            TimeoutError: that took too long.
        """
        if not isinstance(self.store, Server):
            self.store.wait_whole()

    def wait_until_ready(self) -> float:
        """Wait until every replica is ready; return the seconds that it took.

        Raises:
            TimeoutError: one of them was not in time.
        """
        began = time.monotonic()
        wait_until(lambda: all(_ready(replica) for replica in self.replicas), READY_SECONDS)
        return time.monotonic() - began

    def close(self) -> None:
        """End it all."""
        for replica in self.replicas:
            if replica.process is not None and replica.process.poll() is not None:
                replica.process = None
            replica.close()
        self.network.close()
        self.store.close()


def _make_store(kind: str) -> Server | Sentinels | Cluster:
    if kind == "sentinel":
        return Sentinels(replicas=2, sentinels=3, argv=LEAST)
    if kind == "cluster":
        return Cluster(primaries=3, replicas_each=1, argv=LEAST)
    return Server(kind, aof=True, argv=ALWAYS)


def _starts(replica: ReplicaProcess) -> bool:
    """Start it, and say whether it serves; where it refuses that it says why."""
    try:
        replica.start(wait=False)
    except AssertionError:
        if "maxmemory-policy is allkeys-lru" not in replica.log:
            raise
        return False
    return True


def _ready(replica: ReplicaProcess) -> bool:
    with suppress(OSError):
        return replica.ready()
    return False
