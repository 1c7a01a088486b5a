"""Deleting: at once for every caller, in steps for the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from seeds import ACCOUNT, Bench, component, components
from waiting import pass_time

from coordinator.errors import PipelineDeletedError

if TYPE_CHECKING:
    from seeds import Dump


def keys_of(found: Dump, pipeline: str) -> list[str]:
    """Return the keys of a pipeline, without the shard's start."""
    return [key.partition("}:")[2] for key in found if pipeline in key]


async def test_a_thousand_instances_in_all_states(bench: Bench) -> None:
    """The clean-up removes everything but the tombstone, step by step."""
    parts = [
        *(component("Delayed", retry_delay_ms=600_000), component("Finished")),
        *(component("Leased", attempt_timeout_ms=600_000), component("Acked")),
        *(component(f"Leaf{i}", needs=[1]) for i in range(500)),
        *(component(f"Ready{i}", needs=[]) for i in range(496)),
    ]
    pipeline = await bench.start(parts)
    await bench.settle()
    delayed = await bench.claim()
    await bench.report(delayed, "a", b"1")
    await bench.finish(delayed, "FAILED")
    await bench.finish(await bench.claim())
    leased, acked = await bench.claim(), await bench.claim()
    await bench.report(acked, "a", b"1")
    await bench.delete(pipeline)
    while (await bench.due(1)).more:
        bench.check()
    found = bench.dump()
    assert keys_of(found, pipeline) == [f"pipeline:{ACCOUNT}:{pipeline}"]
    tombstone = found[f"coord:1:{{0}}:pipeline:{ACCOUNT}:{pipeline}"]
    claims = {key for key in tombstone.value if key.startswith("claim:")}
    assert claims == {f"claim:{leased.claim}", f"claim:{acked.claim}"}
    assert sum(await bench.timers().counts(0)) == 0


async def test_everything_else_is_left_alone(bench: Bench) -> None:
    """The clean-up of a pipeline touches no other one."""
    other = await bench.start([component("A"), component("B", needs=[0])])
    held = await bench.claim()
    before = {key: entry for key, entry in bench.dump().items() if other in key}
    pipeline = await bench.start(300)
    await bench.claim()
    await bench.delete(pipeline)
    await bench.settle()
    assert {key: entry for key, entry in bench.dump().items() if other in key} == before
    assert await bench.finish(held) == "finished"


async def test_name_is_free_again(bench: Bench) -> None:
    """After a deletion a create with the same name and unique id makes a new pipeline."""
    first = await bench.create("the name")
    await bench.delete(first)
    assert await bench.create("the name") != first


async def test_repeated_delete_does_nothing(bench: Bench) -> None:
    """The same deletion again, by its answer key, is no error and changes nothing."""
    pipeline = await bench.start()
    await bench.delete(pipeline, answer="key")
    before = bench.dump()
    await bench.delete(pipeline, answer="key")
    assert bench.dump() == before


async def test_start_stops_where_it_was(bench: Bench) -> None:
    """Deleting a pipeline whose instances are still being made makes no more, leaves nothing."""
    pipeline = await bench.start(components(1000))
    await bench.delete(pipeline)
    while (await bench.due(1)).more:
        assert sum((await bench.timers().counts(0))[:7]) <= 202  # what there was, and two timers
        bench.check()
    assert keys_of(bench.dump(), pipeline) == [f"pipeline:{ACCOUNT}:{pipeline}"]


async def test_start_in_small_steps_stops_too(bench: Bench) -> None:
    """A clean-up that is faster than the making of instances with many dependencies ends well."""
    later = [component(f"Later{i}") for i in range(200)]
    parts = [component(f"Join{i}", needs=range(600, 650)) for i in range(600)]
    pipeline = await bench.start([*parts, *later])
    await bench.delete(pipeline)
    await bench.settle()
    assert keys_of(bench.dump(), pipeline) == [f"pipeline:{ACCOUNT}:{pipeline}"]


async def test_fan_out_stops_with_its_pipeline(bench: Bench) -> None:
    """A fan-out that is pending when its pipeline is deleted wakes nobody and leaves nothing."""
    parts = [component("Root"), *(component(f"Leaf{i}", needs=[0]) for i in range(900))]
    pipeline = await bench.start(parts)
    await bench.settle()
    await bench.finish(await bench.claim())
    await bench.delete(pipeline)
    await bench.settle()
    assert await bench.poll() is None
    assert keys_of(bench.dump(), pipeline) == [f"pipeline:{ACCOUNT}:{pipeline}"]


async def test_a_cursor_that_had_to_wait_does_not_come_back(bench: Bench) -> None:
    """A fan-out that is put off by the very run that cleans its pipeline up is gone with it."""
    busy = await bench.start(250)
    first = component("First", group="h")
    pipeline = await bench.start([first, *components(400, needs=[0])])
    await bench.settle()
    await bench.delete(busy)
    await bench.finish(await bench.claim("h"))
    await bench.delete(pipeline)
    for _ in range(2):  # the first puts off both cursors of the pipeline, to the same moment
        await bench.due()
    kinds = [timer.partition(":")[0] for timer in bench.dump()["coord:1:{0}:timers"].value]
    assert kinds == ["delete", "delete"]
    bench.check()


async def test_reading_a_tombstone_is_cheap(bench: Bench) -> None:
    """What is read of a deleted pipeline does not grow with the tasks that were running."""
    pipeline = await bench.start(100)
    for _ in range(100):
        await bench.claim()
    await bench.delete(pipeline)
    for _ in range(2):
        stored = await bench.pipelines.read(ACCOUNT, pipeline, "latest")
        assert list(stored.pipeline) == ["deleted_ms"]
        with pytest.raises(PipelineDeletedError):
            await bench.pipelines.living(ACCOUNT, pipeline)
        await bench.settle()


async def test_retry_of_a_deleted_pipeline_is_not_offered(bench: Bench) -> None:
    """A retry that comes due after the deletion makes nothing ready."""
    pipeline = await bench.start([component(retry_delay_ms=1), *components(250)])
    await bench.finish(await bench.claim(), "FAILED")
    await bench.delete(pipeline)
    while (await bench.due(1)).more:
        assert await bench.poll() is None
    assert keys_of(bench.dump(), pipeline) == [f"pipeline:{ACCOUNT}:{pipeline}"]


async def test_lease_of_a_deleted_pipeline_is_not_offered(bench: Bench) -> None:
    """A lease that comes due after the deletion goes to nobody; its holder is told."""
    pipeline = await bench.start([component(attempt_timeout_ms=1), *components(250)])
    task = await bench.claim(ack_ms=1)
    await pass_time(0.02)  # so that the lease is due before the clean-up
    await bench.delete(pipeline)
    await bench.settle()
    assert await bench.report(task) == "deleted"


async def test_much_edited_pipeline(bench: Bench) -> None:
    """The components of every version that was activated are removed, however many there are."""
    pipeline = await bench.create()
    for i in range(450):
        await bench.pipelines.put(ACCOUNT, pipeline, b"{}", errored=False)
        if i % 90 == 0:
            version = await bench.stage(pipeline, components(1))
            await bench.pipelines.activate(ACCOUNT, pipeline, version, "")
    assert len([key for key in bench.dump() if ":components:" in key]) == 5
    await bench.delete(pipeline)
    await bench.settle()
    assert keys_of(bench.dump(), pipeline) == [f"pipeline:{ACCOUNT}:{pipeline}"]
