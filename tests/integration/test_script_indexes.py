"""The indexes of a pipeline's instances, and how healthy its components are."""

from __future__ import annotations

import pytest
from cascades import FAILED, cascading, chain
from seeds import ACCOUNT, Bench, component, components

from coordinator.store.instances import Search

ENDED = ("FINISHED", "FAILED", "CANCELED", "CASCADE_FAILED")


def members(*places: str) -> Search:
    """Look for instances by what has become of them."""
    return Search("members", places)


async def test_every_place(bench: Bench) -> None:
    """An instance is found under its state, or under its status once it has ended."""
    parts = [cascading("Failed"), component("Cascaded", needs=[0]), component("Canceled")]
    parts += [component("Delayed", retry_delay_ms=600_000), component("Finished")]
    parts += [component("Leased"), component("Ready"), component("Blocked", needs=[6])]
    pipeline = await bench.start(parts)
    await bench.cancel(pipeline, (await bench.ids(pipeline))[2])
    for status in (FAILED, FAILED, "FINISHED"):
        await bench.finish(await bench.claim(), status)
    await bench.claim()
    await bench.settle()
    for place in ("blocked", "ready", "leased", "delayed", *ENDED):
        found = await bench.find(pipeline, members(place))
        assert found == [place.removesuffix("_FAILED").capitalize() + "d" * ("CASC" in place)]


@pytest.mark.parametrize("limit", [1, 2, 7, 500])
async def test_pages_of_several_places(bench: Bench, limit: int) -> None:
    """Pages of several places follow each other in the order of the making, none twice."""
    pipeline = await bench.start(components(20))
    for i in range(12):
        task = await bench.claim()
        if i % 3:
            await bench.finish(task)
    left = members("ready", "leased")
    assert await bench.find(pipeline, left, limit) == [
        f"Work{i}" for i in (0, 3, 6, 9, *range(12, 20))
    ]
    assert await bench.find(pipeline, members("blocked"), limit) == []


async def test_reruns_move_back(bench: Bench) -> None:
    """An instance that is run again is found only among those that have not ended."""
    pipeline = await bench.start(chain(True, True))
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    assert await bench.find(pipeline, members(*ENDED)) == ["A", "B"]
    await bench.rerun(pipeline, (await bench.ids(pipeline))[0])
    await bench.settle()
    assert await bench.find(pipeline, members(*ENDED)) == []
    assert await bench.find(pipeline, members("ready", "blocked")) == ["A", "B"]


@pytest.mark.parametrize("index", ["scheduled", "started"])
async def test_all_by_time(bench: Bench, index: str) -> None:
    """An index of times has every instance, in the order of the time and then of the making."""
    pipeline = await bench.start(components(250))
    await bench.settle()
    await bench.activate(pipeline)
    await bench.settle()
    wanted = [f"Work{i}" for i in range(250)] * 2
    assert await bench.find(pipeline, Search(index), 100) == wanted
    bench.check()


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_ranges_of_times(bench: Bench, limit: int) -> None:
    """A range has what was scheduled in it, its ends included, over any number of pages."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(3))
    starts = [await bench.activate(pipeline, version) for _ in range(4)]
    [_, second, third, _] = [str(start * 1000) for start in starts if start]
    wanted = ["Work0", "Work1", "Work2"]

    async def found(from_ms: str, to_ms: str) -> list[str]:
        search = Search("scheduled", from_ms=from_ms, to_ms=to_ms)
        return await bench.find(pipeline, search, limit)

    assert await found(second, third) == wanted * 2
    assert await found(second, second) == wanted
    assert await found(third, "+inf") == wanted * 2
    assert await found("-inf", second) == wanted * 2
    assert await found(f"{int(second) + 1}", f"{int(third) - 1}") == []


async def test_index_of_a_deleted_pipeline(bench: Bench) -> None:
    """While a pipeline is being cleaned up its indexes name only what is still there."""
    pipeline = await bench.start(components(450))
    await bench.settle()
    await bench.delete(pipeline)
    async for _ in bench.steps():
        left = await bench.find(pipeline, Search("scheduled"))
        assert left == await bench.find(pipeline, members("ready"))
    assert left == []


async def health(bench: Bench, pipeline: str, *names: str) -> tuple[str | None, list[str]]:
    """Return how many components are ill, and how the last of each of these ended."""
    record = (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline
    found = await bench.pipelines.health(ACCOUNT, pipeline, names)
    return record.get("ill"), [row.status if row else "" for row in found]


async def test_health(bench: Bench) -> None:
    """A component is as healthy as what ended last of it; its pipeline counts the ill ones once."""
    pipeline = await bench.start([*chain(True, True), component("X")])
    assert await health(bench, pipeline, "A", "B", "X") == (None, ["", "", ""])
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    assert await health(bench, pipeline, "A", "B", "X") == ("1", [FAILED, "", ""])
    [a, _, x] = await bench.ids(pipeline)
    await bench.cancel(pipeline, x)
    for _ in range(2):
        await bench.rerun(pipeline, a)
        await bench.cancel(pipeline, a)
    assert await health(bench, pipeline, "A", "X") == ("2", ["CANCELED", "CANCELED"])
    await bench.mark(pipeline, a, x)
    bench.check()
    assert await health(bench, pipeline, "A", "X") == ("0", ["FINISHED", "FINISHED"])


async def test_health_says_when_and_who(bench: Bench) -> None:
    """A pipeline says when its health was last told and by which instance."""
    pipeline = await bench.start(2)
    [first, second] = await bench.ids(pipeline)
    for name in (second, first):
        await bench.cancel(pipeline, name)
        record = (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline
        [found] = await bench.pipelines.health(ACCOUNT, pipeline, [name[1:6]])
        assert found is not None
        assert (record["health_id"], record["health_ms"]) == (name, found.ended_ms)
        assert found.instance_id == name


async def test_what_an_instance_waits_for(bench: Bench) -> None:
    """A blocked instance says how many it waits for and names a few; a paused one since when."""
    parts = [*components(8), component("Join", needs=range(8))]
    pipeline = await bench.start(parts)
    join = (await bench.ids(pipeline))[-1]
    await bench.finish(await bench.claim())
    await bench.pause(pipeline, "Join")
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(join, 0)])
    assert row is not None
    assert (row.unmet, len(row.needs), row.paused_ms.isdigit()) == (7, 5, True)
    assert {need.state for need in row.needs} == {"ready"}
