"""Replicas inside the test's own process, on one server or cluster, and what tests do with them."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack, nullcontext
from math import inf
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from clusters import Cluster
from seeds import component
from waiting import eventually

from coordinator.commands.replica import Replica
from coordinator.config import Settings
from coordinator.domain.ids import Handle, new_claim, new_pipeline_id, shard_of
from coordinator.service.activation import staged as staged_fields
from coordinator.service.waiters import Presence
from coordinator.store import keys
from coordinator.store.layout import Layout
from coordinator.store.pipelines import NewPipeline, Pipelines
from coordinator.store.routing import connect
from coordinator.store.scripts import Scripts
from coordinator.store.tasks import PollCall, Tasks
from coordinator.store.timers import Timers
from coordinator.web.protocol import Protocol

if TYPE_CHECKING:
    import redis
    from sentinels import Sentinels
    from servers import Server

    from coordinator.domain.components import Component
    from coordinator.store.tasks import Claimed

ACCOUNT = "local"  # the account of the API
LONG_MS = 600_000
PAGE = 200  # of instances made at once; the others are due work
SHARDS = 6  # on a cluster
_numbers = itertools.count(1)


class Fleet:
    """Replicas on `server`, and the store beside them; an async context manager."""

    def __init__(
        self,
        server: Server | Sentinels | Cluster,
        *,
        shards: int = 0,
        durability: str = "everysec",
    ) -> None:
        self.server = server
        self.shards = shards or (SHARDS if isinstance(server, Cluster) else 1)
        self.durability = durability
        self.replicas: list[Replica] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect, and record the number of shards."""
        self._router = connect(
            self.server.url, timeout=5, client_name="test", durability=self.durability
        )
        self._stack.push_async_callback(self._router.close)
        self.scripts = Scripts(self._router, durable=self.durability.startswith("replicas:"))
        self.tasks = Tasks(self.scripts)
        self._pipelines = Pipelines(self.scripts)
        if self.shards > 1:
            await Layout(self.scripts).grow(self.shards)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the replicas."""
        await self._stack.aclose()

    async def replica(
        self, *, url: str = "", listener: bool = True, loop: bool = True, **settings: Any
    ) -> Replica:
        """Start a replica, and wait until it is subscribed (if it is to be)."""
        made = Replica(
            Settings(redis_url=url or self.server.url, **settings), listener=listener, loop=loop
        )
        before = len(self.subscribers())
        await self._stack.enter_async_context(made)
        self.replicas.append(made)
        if listener:
            await eventually(lambda: len(self.subscribers()) == before + len(self.nodes))
            await eventually(
                lambda: sum(map(_wake_channels, self.subscribers())) % self.shards == 0
            )
        return made

    async def serve(self, replica: Replica) -> int:
        """Serve a replica over HTTP as `coordinator serve` does; return its port."""
        server = _Server(replica)
        task = asyncio.create_task(server.serve())
        await eventually(lambda: server.started)

        async def stop() -> None:
            replica.coordinator.polls.close()
            server.should_exit = True
            await task

        self._stack.push_async_callback(stop)
        return int(server.servers[0].sockets[0].getsockname()[1])

    @property
    def nodes(self) -> list[Server]:
        """The server processes that have the data now."""
        return self.server.primaries()

    def subscribers(self) -> list[dict[str, str]]:
        """Return the rows of CLIENT LIST that are subscribers, of every node."""
        found: list[dict[str, str]] = []
        for node in self.nodes:
            with node.client() as client:
                found += client.client_list(_type="pubsub")
        return found

    def cut_subscribers(self) -> None:
        """Kill every subscriber connection."""
        for node in self.nodes:
            with node.client() as client:
                client.client_kill_filter(_type="pubsub")

    async def seed(
        self, parts: int | list[Component] = 1, *, group: str = "g", shard: int = 0
    ) -> str:
        """Create a pipeline and activate it, with so many components or just these."""
        name = f"pipeline {next(_numbers)}"
        if isinstance(parts, int):
            parts = [component(f"Work{i}", group=group) for i in range(parts)]
        new = NewPipeline(ACCOUNT, f"digest of {name}", name, name, "", b"[]")
        made = await self._pipelines.create(shard, new, new_pipeline_id(shard))
        assert made
        version = str(await self._pipelines.put(ACCOUNT, made, b"{}", errored=False))
        await self._pipelines.stage(ACCOUNT, made, version, staged_fields(list(parts)))
        await self._pipelines.activate(ACCOUNT, made, version, "")
        timers = Timers(self.scripts, Settings())
        while len(parts) > PAGE and (await timers.run_due(shard)).more:
            pass
        return made

    async def claim(self, group: str = "g", *, shard: int = 0, ack_ms: int = LONG_MS) -> Claimed:
        """Claim a task past the replicas; there must be one."""
        task = await self.tasks.claim(shard, call_of(group), new_claim(), ack_ms)
        assert task is not None, "nothing was ready"
        return task

    async def report(self, task: Claimed, timeout_ms: int = LONG_MS) -> str:
        """Report progress of a task."""
        verdict, _ = await self.tasks.report(ACCOUNT, handle_of(task), timeout_ms)
        return verdict

    async def finish(self, task: Claimed) -> str:
        """Finish a task."""
        return await self.tasks.finish(ACCOUNT, handle_of(task), "FINISHED", ("", "", ""))

    def record(self, task: Claimed) -> dict[str, str]:
        """Read the record of a task's instance."""
        shard = shard_of(task.pipeline_id)
        key = keys.key("instance", shard, ACCOUNT, task.pipeline_id, task.n)
        with self.client() as client:
            flat = client.hgetall(key)
        return {name.decode(): value.decode() for name, value in flat.items()}

    def client(self) -> redis.Redis:
        """Return a redis-py client that finds every key."""
        return self.server.client()


class _Server(uvicorn.Server):
    def __init__(self, replica: Replica) -> None:
        options = {"ws": "none", "lifespan": "off", "log_config": None, "access_log": False}
        options["proxy_headers"] = False
        super().__init__(
            uvicorn.Config(replica.app, "127.0.0.1", 0, http=Protocol, **options)  # type: ignore[arg-type]
        )

    def capture_signals(self) -> Any:
        """Leave the signals to pytest."""
        return nullcontext()


def call_of(group: str = "g", name: str = "", attempt: int = 1) -> PollCall:
    """Describe a PollForTask call; without a name it is a new one."""
    return PollCall(ACCOUNT, group, name or f"call-{next(_numbers)}", attempt, "host")


async def poll(
    replica: Replica,
    group: str = "g",
    *,
    name: str = "",
    attempt: int = 1,
    presence: Presence | None = None,
) -> Claimed | None:
    """Poll in process, as the API does for an HTTP request."""
    call = call_of(group, name, attempt)
    return await replica.coordinator.polls.poll(call, presence or Presence())


def polling(replica: Replica, group: str = "g", **options: Any) -> asyncio.Task[Claimed | None]:
    """Begin a poll."""
    return asyncio.create_task(poll(replica, group, **options))


async def waiting(replica: Replica, count: int) -> None:
    """Wait until so many polls are in line and none of them checks."""
    lines = replica.coordinator.polls.waiters

    def idle() -> bool:
        return lines.count == count and not any(line.checking for line in lines._lines.values())

    await eventually(idle, 60)


async def claim_at_once(fleet: Fleet, replica: Replica) -> None:
    """Let the claim be the first thing a poll asks of Redis: no due work, no script to load."""
    replica.coordinator.due._last = dict.fromkeys(range(fleet.shards), inf)
    assert await fleet.tasks.claim(0, call_of("nobody's"), new_claim(), 1) is None


def handle_of(task: Claimed) -> Handle:
    """Return what the handle of a task says."""
    return Handle(shard_of(task.pipeline_id), task.pipeline_id, task.n, task.attempt, task.claim)


def _wake_channels(row: dict[str, str]) -> int:
    return int(row.get("ssub", 0))
