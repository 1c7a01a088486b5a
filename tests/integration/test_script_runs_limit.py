"""At most so many starts of a pipeline at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cascades import FAILED, chain
from seeds import Bench, component, components

from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.domain.components import Component


async def staged(bench: Bench, parts: Sequence[Component], most: int) -> str:
    """Create a pipeline of which at most so many starts may run."""
    pipeline = await bench.create()
    assert await bench.stage(pipeline, parts, max_active=most) == "1"
    return pipeline


async def refused(bench: Bench, pipeline: str, most: int) -> bool:
    """Try to activate; where that is refused, nothing must have changed."""
    before = bench.dump()
    try:
        await bench.activate(pipeline)
    except InvalidRequestError as error:
        refusal = str(error)
    else:
        return False
    assert f"concurrent executions: {most} of" in refusal
    assert bench.dump() == before
    return True


async def test_one_more_is_refused(bench: Bench) -> None:
    """A start beyond the limit is refused and changes nothing, until one has ended."""
    pipeline = await staged(bench, components(2), 2)
    for _ in range(2):
        assert not await refused(bench, pipeline, 2)
    for _ in range(2):
        assert await refused(bench, pipeline, 2)
        await bench.finish(await bench.claim())
        bench.check()
    assert not await refused(bench, pipeline, 2)
    assert await refused(bench, pipeline, 2)


async def test_without_a_limit(bench: Bench) -> None:
    """Without a limit a pipeline may have any number of starts."""
    pipeline = await bench.start(1)
    assert [await refused(bench, pipeline, 0) for _ in range(5)] == [False] * 5


async def test_repeat_is_no_further_start(bench: Bench) -> None:
    """An activation that is sent again is answered like the first, though the limit is reached."""
    pipeline = await staged(bench, components(1), 1)
    assert await bench.activate(pipeline, answer="key")
    assert await bench.activate(pipeline, answer="key") is None
    assert await refused(bench, pipeline, 1)


@pytest.mark.parametrize("change", ["cancel", "mark"])
async def test_every_end_counts(bench: Bench, change: str) -> None:
    """A start has ended when all of it has, however: done, failed, cascaded, canceled, marked."""
    pipeline = await staged(bench, [*chain(True, True), component("Last", group="x")], 1)
    await bench.activate(pipeline)
    await bench.finish(await bench.claim(), FAILED)
    assert await refused(bench, pipeline, 1)
    await bench.settle()
    assert await refused(bench, pipeline, 1)
    [*_, last] = await bench.ids(pipeline)
    await getattr(bench, change)(pipeline, last)
    bench.check()
    assert not await refused(bench, pipeline, 1)


async def test_each_instance_counts_once(bench: Bench) -> None:
    """An instance that is run again and ends once more is no second one that has ended."""
    pipeline = await staged(bench, components(2), 1)
    await bench.activate(pipeline)
    await bench.finish(await bench.claim())
    first = (await bench.ids(pipeline))[0]
    for _ in range(2):
        await bench.rerun(pipeline, first)
        bench.check()
        await bench.cancel(pipeline, first)
        await bench.mark(pipeline, first)
        assert await refused(bench, pipeline, 1)
    await bench.finish(await bench.claim())
    assert not await refused(bench, pipeline, 1)


async def test_start_that_is_still_being_made(bench: Bench) -> None:
    """A start of which what was made has ended goes on while the rest is being made."""
    pipeline = await staged(bench, components(250), 1)
    await bench.activate(pipeline)
    await bench.mark(pipeline, *await bench.ids(pipeline))
    bench.check()
    assert await refused(bench, pipeline, 1)
    await bench.settle()
    await bench.mark(pipeline, *(await bench.ids(pipeline))[200:])
    assert not await refused(bench, pipeline, 1)


@pytest.mark.parametrize("count", [3, 450])
async def test_deactivation_ends_all_starts(bench: Bench, count: int) -> None:
    """A pipeline can start at once when all was canceled, its cursor still on its way."""
    pipeline = await staged(bench, components(count), 1)
    await bench.activate(pipeline)
    await bench.deactivate(pipeline)
    assert not await refused(bench, pipeline, 1)
    bench.check()
    assert await refused(bench, pipeline, 1)
    async for _ in bench.steps():
        assert await refused(bench, pipeline, 1)
    tally = await bench.tally(pipeline)
    assert tally == {"CANCELED": count, "ready": count}


async def test_held_start_goes_on(bench: Bench) -> None:
    """A pipeline that was held at its limit goes on: that is no further start."""
    pipeline = await staged(bench, components(2), 1)
    await bench.activate(pipeline)
    await bench.deactivate(pipeline, cancel=False)
    assert await bench.activate(pipeline) is None
    assert await refused(bench, pipeline, 1)
