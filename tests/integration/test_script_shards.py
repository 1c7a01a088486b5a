"""Shards: the number grows, each has its own pipelines, timers and counts."""

from __future__ import annotations

import pytest
from seeds import ACCOUNT, Bench, component

from coordinator.errors import InvalidRequestError

SHARDS = 6


async def test_number_only_grows(bench: Bench) -> None:
    """Every number there ever was is remembered, and a smaller one is refused."""
    assert await bench.layout.shard_counts() == [1]
    assert await bench.layout.grow(2) == [1, 2]
    assert await bench.layout.grow(SHARDS) == [1, 2, SHARDS]
    before = bench.dump()
    assert await bench.layout.grow(SHARDS) == [1, 2, SHARDS]
    with pytest.raises(InvalidRequestError, match="There are 6 shards"):
        await bench.layout.grow(5)
    assert bench.dump() == before
    assert await bench.layout.shard_counts() == [1, 2, SHARDS]


async def test_each_shard_is_on_its_own(bench: Bench) -> None:
    """A whole life of a pipeline happens in its shard, and no other one sees any of it."""
    await bench.layout.grow(SHARDS)
    parts = [component("A"), component("B", needs=[0])]
    made = [await bench.start(parts, shard=shard) for shard in range(SHARDS)]
    bench.check()
    for shard, pipeline in enumerate(made):
        for expected in "AB":
            task = await bench.claim(shard=shard)
            assert (task.pipeline_id, task.component) == (pipeline, expected)
            assert await bench.report(task, "a", b"1") == "acknowledged"
            assert await bench.finish(task) == "finished"
        assert await bench.poll(shard=shard) is None
        counts = await bench.timers().counts(shard)
        assert (counts.terminal, sum(counts)) == (2, 2)
        await bench.delete(pipeline)
        await bench.settle(shard=shard)
    listed = [await bench.pipelines.ids_and_names(i, ACCOUNT, "", 9) for i in range(SHARDS)]
    assert listed == [[]] * SHARDS


async def test_heartbeat_is_remembered_for_a_while(bench: Bench) -> None:
    """A runner's heartbeat is kept with its group and host, and goes by itself."""
    await bench.tasks.heartbeat(0, ACCOUNT, "runner-1", "g", "host", 60_000)
    entry = bench.dump()[f"coord:1:{{0}}:runner:{ACCOUNT}:runner-1"]
    assert entry.expires
    assert (entry.value["group"], entry.value["hostname"]) == ("g", "host")
