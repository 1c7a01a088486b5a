"""A whole deployment under test: Redis, three replicas, and proxies on both sides of these."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from network import Network
from replicas import ReplicaProcess
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


class Deployment:
    """Three `coordinator serve` processes on one Redis; runners reach them through `front`.

    Each replica has a proxy of its own to Redis, in `back`.
    """

    def __init__(self, kind: str, *, replicas: int = 3) -> None:
        self.kind = kind
        self.network = Network()
        self.store = Server(kind, aof=True, argv=ALWAYS)
        self.store.start()
        self.back = [self.network.open(self.store.socket) for _ in range(replicas)]
        self.replicas = [ReplicaProcess(proxy.url, **SETTINGS) for proxy in self.back]
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
        """Every process of Redis that holds data."""
        return [self.store]

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
            replica.close()
        self.network.close()
        self.store.close()


def _ready(replica: ReplicaProcess) -> bool:
    with suppress(OSError):
        return replica.ready()
    return False
