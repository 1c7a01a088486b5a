"""A slot of a cluster that moves to another node, key by key, while scripts are called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from redis.crc import key_slot
from seeds import ACCOUNT, Bench, component, components

from coordinator.domain.ids import new_pipeline_id
from coordinator.errors import UnavailableError
from coordinator.service.activation import staged as staged_fields
from coordinator.store.pipelines import NewPipeline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from clusters import Cluster
    from servers import Server

    from coordinator.store.routing import Router
    from coordinator.store.tasks import Claimed

SLOT = key_slot(b"{0}")


class Move:
    """Moves the slot of shard 0 from its primary to another, as redis-cli does."""

    def __init__(self, cluster: Cluster) -> None:
        self.servers = cluster.servers
        self.ids = [self._ask(server, "CLUSTER MYID").decode() for server in cluster.servers]
        owner = self._owner()
        self.source, self.target = cluster.servers[owner], cluster.servers[owner - 1]
        self.source_id, self.target_id = self.ids[owner], self.ids[owner - 1]

    def begin(self) -> None:
        """Mark the slot as moving on both nodes."""
        self._ask(self.target, "CLUSTER SETSLOT", SLOT, "IMPORTING", self.source_id)
        self._ask(self.source, "CLUSTER SETSLOT", SLOT, "MIGRATING", self.target_id)

    def carry(self, which: Callable[[str], bool]) -> int:
        """Move the keys that `which` names, and return how many there were."""
        keys = map(str, self._ask(self.source, "CLUSTER GETKEYSINSLOT", SLOT, 10_000))
        wanted = [key for key in keys if which(key)]
        for key in wanted:
            self._ask(self.source, "MIGRATE", "127.0.0.1", self.target.port, key, 0, 5000)
        return len(wanted)

    def end(self) -> None:
        """Move the other keys and give the slot to its new owner."""
        self.carry(lambda _: True)
        for server in (self.target, self.source, *self.servers):
            self._ask(server, "CLUSTER SETSLOT", SLOT, "NODE", self.target_id)

    def _owner(self) -> int:
        for index, server in enumerate(self.servers):
            slots = self._ask(server, "CLUSTER COUNTKEYSINSLOT", SLOT)
            if slots:
                return index
        raise AssertionError("the shard has no key yet")

    @staticmethod
    def _ask(server: Server, *words: Any) -> Any:
        with server.client() as client:
            return client.execute_command(*words)


@pytest.fixture(params=["valkey", "redis7"])
async def moved(
    request: pytest.FixtureRequest,
    new_cluster: Callable[..., Cluster],
    new_router: Callable[..., Router],
) -> AsyncIterator[Bench]:
    """A bench on a cluster of the test's own."""
    cluster = new_cluster(request.param)
    bench = Bench(cluster, new_router(cluster.url))
    yield bench
    bench.check()


LONG = 3600  # seconds: refusing so many calls is no outage, however slow the machine


class Calls:
    """One call of every script that changes something, on state in which each could succeed."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.tasks: list[Claimed] = []
        self.pipeline = self.fresh = self.version = ""
        self.ids: list[str] = []

    async def seed(self) -> None:
        """Make the state: tasks in every state, a staged pipeline, a lapsed lease."""
        bench = self.bench
        parts = [*components(6), component("Join", needs=[0]), component("Slow", needs=[1])]
        self.pipeline = await bench.start(parts)
        self.tasks = [await bench.claim() for _ in range(4)]
        await bench.report(self.tasks[0], "a", b"1")
        await bench.finish(self.tasks[3])
        self.ids = await bench.ids(self.pipeline)
        self.fresh = await bench.create("fresh")
        self.version = await bench.stage(self.fresh, components(2))
        await bench.claim(ack_ms=1)

    def all(self) -> dict[str, Callable[[], Awaitable[Any]]]:
        """Return the calls by the name of their script."""
        bench, tasks, pipelines = self.bench, self.bench.tasks, self.bench.pipelines
        known = NewPipeline(ACCOUNT, "digest of fresh", "fresh", "fresh", "", b"[]")
        new = known._replace(digest="another")
        staged = list(staged_fields(components(2)))
        return {
            "claim_task": bench.poll,
            "claim nothing": lambda: bench.poll("no such group"),
            "report_progress": lambda: bench.report(self.tasks[0], "a", b"2"),
            "first report": lambda: bench.report(self.tasks[1]),
            "finish_task": lambda: bench.finish(self.tasks[0]),
            "fail": lambda: bench.finish(self.tasks[1], "FAILED"),
            "return_task": lambda: bench.give_back(self.tasks[2]),
            "bar_call": lambda: tasks.bar(0, bench.call(name="c", attempt=2), 1000),
            "record_heartbeat": lambda: tasks.heartbeat(0, ACCOUNT, "r", "g", "h", 60_000),
            "create_pipeline": lambda: pipelines.create(0, new, new_pipeline_id(0)),
            "create again": lambda: pipelines.create(0, known, new_pipeline_id(0)),
            "put_definition": lambda: pipelines.put(ACCOUNT, self.pipeline, b"{}", errored=False),
            "stage_components": lambda: pipelines.stage(ACCOUNT, self.pipeline, "1", staged),
            "activate_pipeline": lambda: pipelines.activate(
                ACCOUNT, self.fresh, self.version, "key"
            ),
            "cancel_instances": lambda: bench.cancel(self.pipeline, *self.ids[:4], answer="key"),
            "rerun_instances": lambda: bench.rerun(self.pipeline, *self.ids[:4], answer="key"),
            "finish_instances": lambda: self._set("finish_instances", *self.ids[:4]),
            "pause_components": lambda: self._set("pause_components", "Work0"),
            "resume_components": lambda: self._set("resume_components", "Work0"),
            "set_tags": lambda: pipelines.set_tags(ACCOUNT, self.pipeline, "[]", b"[]"),
            "record_polls": lambda: tasks.note_polls(0, ACCOUNT, [("g", "host")]),
            "deactivate_pipeline": lambda: pipelines.deactivate(
                ACCOUNT, self.pipeline, "off", cancel=False
            ),
            "run_due": lambda: bench.due(outage_threshold=LONG),
            "grow_shards": lambda: bench.layout.grow(6),
            "delete_pipeline": lambda: bench.delete(self.pipeline, answer="key"),
        }

    async def _set(self, script: str, *ids: str) -> int:
        """Run one of the scripts of SetStatus."""
        return await self.bench.pipelines.set_status(script, ACCOUNT, self.pipeline, ids, script)


STAGES: dict[str, Callable[[str], bool]] = {
    "no key": lambda _: False,
    "the clock": lambda key: key.endswith("}:meta"),
    "the pipelines": lambda key: ":pipeline" in key,
    "the instances": lambda key: ":instance" in key,
    "the indexes": lambda key: any(f":{name}" in key for name in ("timers", "turns", "unique")),
    "all": lambda _: True,
}


@pytest.mark.parametrize("clock", [True, False], ids=["clock", "no clock"])
async def test_every_call_fails_whole(moved: Bench, clock: bool) -> None:
    """While a slot moves, each call is refused as unavailable and changes nothing; then all work.

    A refusal of another kind would tell a runner that its task does not exist.
    """
    calls = Calls(moved)
    if clock:
        await moved.due()
    await calls.seed()
    move = Move(moved.server)  # type: ignore[arg-type]
    move.begin()
    for stage, which in STAGES.items():
        carried = move.carry(which)
        assert carried or stage in {"no key", "the clock"}, f"{stage}: nothing to carry"
        for name, call in calls.all().items():
            before = moved.dump()
            with pytest.raises(UnavailableError):
                await call()
            assert moved.dump() == before, f"{name} changed something ({stage})"
    move.end()
    moved.check()
    await _all_work(calls)


async def test_reads_do_not_lie_while_a_slot_moves(moved: Bench) -> None:
    """While a slot moves, no read says that a pipeline or a ready task is not there."""
    calls = Calls(moved)
    await moved.due()
    await calls.seed()
    move = Move(moved.server)  # type: ignore[arg-type]
    move.begin()
    for which in STAGES.values():
        move.carry(which)
        for read in (
            lambda: moved.pipelines.living(ACCOUNT, calls.pipeline, "latest"),
            lambda: moved.tasks.ready_groups(0, [(ACCOUNT, "g")]),
            lambda: moved.timers().counts(0),
            lambda: moved.pipelines.page(ACCOUNT, calls.pipeline, "0", 10),
            lambda: moved.pipelines.instances(ACCOUNT, calls.pipeline, [(calls.ids[0], 0)]),
            lambda: moved.pipelines.ids_and_names(0, ACCOUNT, "", 10),
            lambda: moved.pipelines.paused(ACCOUNT, calls.pipeline),
            lambda: moved.pipelines.health(ACCOUNT, calls.pipeline, ["Work0"]),
            lambda: moved.pipelines.known(ACCOUNT, calls.pipeline, calls.ids[:1]),
            lambda: moved.pipelines.staged_definition(ACCOUNT, calls.pipeline, "1"),
            lambda: moved.tasks.polled(0, ACCOUNT, ["g"], 10),
        ):
            with pytest.raises(UnavailableError):
                await read()
    move.end()
    stored = await moved.pipelines.living(ACCOUNT, calls.pipeline, "latest")
    assert json.loads(stored.definition) == {}
    assert await moved.tasks.ready_groups(0, [(ACCOUNT, "g")]) == [1]


async def _all_work(calls: Calls) -> None:
    """Every call that was refused while the slot moved succeeds afterwards, on the same handles."""
    bench = calls.bench
    assert await bench.report(calls.tasks[0], "a", b"2") == "accepted"
    assert await bench.finish(calls.tasks[0]) == "finished"
    assert (await bench.claim()).pipeline_id == calls.pipeline
    assert (await bench.due(outage_threshold=LONG)).lost_unacknowledged == 1
    for name, call in calls.all().items():
        if name not in {"report_progress", "finish_task"}:
            await call()
            bench.check()
