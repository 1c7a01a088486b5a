"""A bound on an account's unfinished instances in a shard: what adds work waits, or is refused."""

from __future__ import annotations

import asyncio

import pytest
from schedules import HOUR, every, hours_ago, intervals, now_ms, on
from seeds import ACCOUNT, Bench, component, components
from waiting import eventually

from coordinator.errors import TooMuchPendingError
from coordinator.store import keys
from coordinator.store.pipelines import Pipelines

MOST = 3
LARGE = 450  # more than one step makes, or deletes


def bound(bench: Bench, most: int = MOST) -> None:
    """Let activations and reruns know the bound."""
    bench.pipelines = Pipelines(bench.scripts, most)


async def staged(bench: Bench, count: int) -> str:
    """Create a pipeline of so many components that can be activated."""
    pipeline = await bench.create()
    await bench.stage(pipeline, components(count))
    return pipeline


async def refused(bench: Bench, pipeline: str, *ids: str) -> str:
    """Activate, or run `ids` again: that must be refused and change nothing; return the words."""
    before = bench.dump()
    with pytest.raises(TooMuchPendingError) as refusal:
        await (bench.rerun(pipeline, *ids) if ids else bench.activate(pipeline))
    assert bench.dump() == before
    return str(refusal.value)


async def test_activation_beyond_the_bound(bench: Bench) -> None:
    """A run that would be more than the bound is refused, and one that just fits is not."""
    bound(bench)
    large, small, another = [await staged(bench, count) for count in (2, 1, 2)]
    await bench.activate(large)
    words = await refused(bench, another)
    assert "has 2 unfinished instances" in words
    assert "may have 3 (COORDINATOR_MAX_PENDING): there is no room for 2 more" in words
    await bench.activate(small)
    await refused(bench, small)


async def test_a_repeat_is_no_further_run(bench: Bench) -> None:
    """An activation that is sent again is answered like the first, though there is no room."""
    bound(bench)
    pipeline = await staged(bench, MOST)
    assert await bench.activate(pipeline, answer="key")
    assert await bench.activate(pipeline, answer="key") is None


@pytest.mark.parametrize("end", ["finish", "fail", "cancel", "mark", "deactivate", "delete"])
async def test_every_end_makes_room(bench: Bench, end: str) -> None:
    """What has ended, however, or is gone, makes room for another run."""
    bound(bench)
    parts = [component("Work", maximum_retries=0)]
    pipeline, another = await bench.start(parts), await staged(bench, MOST)
    await refused(bench, another)
    if end in {"finish", "fail"}:
        await bench.finish(await bench.claim(), "FINISHED" if end == "finish" else "FAILED")
    elif end in {"cancel", "mark"}:
        await getattr(bench, end)(pipeline, *await bench.ids(pipeline))
    else:
        await getattr(bench, end)(pipeline)
        await bench.settle()
    bench.check()
    await bench.activate(another)


async def test_retries_and_losses_are_no_ends(bench: Bench) -> None:
    """A task that is claimed, given back or tried again is pending all the time."""
    bound(bench, 1)
    pipeline = await bench.start(1)
    await bench.give_back(await bench.claim())
    await bench.finish(await bench.claim(), "FAILED")
    await refused(bench, pipeline)
    await bench.finish(await bench.claim())
    await bench.activate(pipeline)


async def test_rerun_beyond_the_bound(bench: Bench) -> None:
    """What has ended runs again only if all of it has room; what lives already needs none."""
    bound(bench)
    pipeline = await bench.start(2)
    ids = await bench.ids(pipeline)
    await bench.cancel(pipeline, *ids)
    other = await bench.start(2)
    await refused(bench, pipeline, *ids)
    assert await bench.rerun(pipeline, ids[0]) == 1
    assert await bench.rerun(other, *await bench.ids(other)) == 0
    await refused(bench, pipeline, ids[1])


async def test_two_activations_at_once(bench: Bench) -> None:
    """Of activations at the same time just as many succeed as there is room for."""
    bound(bench)
    made = [await staged(bench, 2) for _ in range(4)]
    found = await asyncio.gather(*map(bench.activate, made), return_exceptions=True)
    assert sum(isinstance(each, TooMuchPendingError) for each in found) == 3
    assert sum(isinstance(each, int) for each in found) == 1


async def test_a_run_counts_as_a_whole(bench: Bench) -> None:
    """A large run takes its room when it begins, though most of its instances are still to come."""
    bound(bench, LARGE)
    pipeline, another = await staged(bench, LARGE), await staged(bench, 1)
    await bench.activate(pipeline)
    await refused(bench, another)
    async for _ in bench.steps():
        pass
    await refused(bench, another)


@pytest.mark.parametrize("change", ["deactivate", "delete"])
async def test_a_run_in_the_making_gives_its_room_back(bench: Bench, change: str) -> None:
    """A large run that is stopped before it was made leaves nothing counted."""
    bound(bench, LARGE)
    pipeline = await staged(bench, LARGE)
    await bench.activate(pipeline)
    await getattr(bench, change)(pipeline)
    async for _ in bench.steps():
        pass
    await bench.activate(await staged(bench, LARGE))


async def test_intervals_wait_for_room(bench: Bench) -> None:
    """Intervals that are due wait while there is no room, and then each is run in order."""
    blocking, start = await bench.start(MOST), hours_ago(3.5)
    pipeline = await bench.create()
    await bench.stage(pipeline, [on()], schedules=[every(HOUR, start_ms=start)])
    await bench.activate(pipeline)

    async def made(*numbers: int) -> bool:
        await bench.settle(max_pending=MOST)
        return await bench.ids(pipeline) == intervals("Work", start, *numbers)

    assert await made()
    await bench.cancel(blocking, *await bench.ids(blocking))
    await eventually(lambda: made(0, 1, 2))
    await bench.finish(await bench.claim())
    await eventually(lambda: made(0, 1, 2, 3))


async def test_skipped_intervals_need_no_room(bench: Bench) -> None:
    """Intervals that an activation leaves out are made as skipped ones and are not counted."""
    await bench.start(MOST)
    pipeline = await bench.create()
    await bench.stage(pipeline, [on()], schedules=[every(HOUR, start_ms=hours_ago(2.5))])
    await bench.activate(pipeline, start_ms=now_ms())
    await bench.settle(max_pending=MOST)
    assert await bench.tally(pipeline) == {"SKIPPED": 3}


async def test_an_old_data_set_has_no_count(bench: Bench) -> None:
    """The end of what was begun before there was a count leaves none below nothing."""
    bound(bench)
    await bench.start(1)
    with bench.server.client() as client:
        assert client.hget(keys.key("pending", 0), ACCOUNT) == b"1"
        client.delete(keys.key("pending", 0))
    await bench.finish(await bench.claim())
    bench.check()
    await bench.activate(await staged(bench, MOST))
