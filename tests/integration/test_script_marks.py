"""Marking instances finished."""

from __future__ import annotations

import pytest
from cascades import CASCADED, FAILED, cascading, chain, settled
from seeds import ACCOUNT, Bench, component, components

from coordinator.errors import InvalidRequestError


async def test_mark_in_every_state(bench: Bench) -> None:
    """Whatever an instance is, it can be marked finished; nothing of it is left anywhere else."""
    parts = [
        *(component("Delayed", retry_delay_ms=600_000), component("Finished")),
        *(component("Leased", attempt_timeout_ms=600_000), component("Acked")),
        *(component("Failed", maximum_retries=0), component("Ready")),
        component("Blocked", needs=[0]),
    ]
    pipeline = await bench.start(parts)
    await bench.finish(await bench.claim(), FAILED)
    await bench.finish(await bench.claim())
    leased, acked = await bench.claim(), await bench.claim()
    await bench.report(acked)
    await bench.finish(await bench.claim(), FAILED, ("E", "m", "s"))
    assert await bench.mark(pipeline, *await bench.ids(pipeline)) == 6
    bench.check()
    assert set((await settled(bench, pipeline)).values()) == {"FINISHED"}
    assert (await bench.timers().counts(0)).timers == 0
    assert await bench.report(leased) == "canceled"
    assert await bench.finish(acked) == "canceled"


async def test_a_failure_that_is_marked_is_forgotten(bench: Bench) -> None:
    """The record of an instance that failed and was marked finished names no error."""
    pipeline = await bench.start(chain(True, True))
    await bench.finish(await bench.claim(), FAILED, ("E", "m", "s"))
    await bench.settle()
    ids = await bench.ids(pipeline)
    await bench.mark(pipeline, *ids)
    rows = await bench.pipelines.instances(ACCOUNT, pipeline, [(name, 0) for name in ids])
    left = {"error_id", "error_message", "stack_trace", "cascade_failed_on"}
    assert not any(row.instance.keys() & left for row in rows if row)


@pytest.mark.parametrize("dependents", [1, 450])
async def test_what_waits_goes_on(bench: Bench, dependents: int) -> None:
    """What waits for an instance is released when that is marked, many by cursor."""
    pipeline = await bench.start([component("Root"), *components(dependents, needs=[0])])
    await bench.settle()
    await bench.mark(pipeline, (await bench.ids(pipeline))[0])
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"FINISHED": 1, "ready": dependents}


async def test_marked_while_its_cascade_passes(bench: Bench) -> None:
    """What a cascade has not reached when its origin is marked goes on; the rest has failed."""
    pipeline = await bench.start([cascading("A"), *components(300, needs=[0])])
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    await bench.due(1)
    await bench.mark(pipeline, (await bench.ids(pipeline))[0])
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"FINISHED": 1, CASCADED: 50, "ready": 250}


async def test_told_from_the_first_on(bench: Bench) -> None:
    """A mark is told to all dependents, though a cursor of a rerun has gone along them before."""
    waiting = [component(f"B{i}", needs=[0, 1]) for i in range(250)]
    pipeline = await bench.start([component("A"), component("Z", group="other"), *waiting])
    await bench.settle()
    await bench.finish(await bench.claim())
    await bench.settle()
    first = (await bench.ids(pipeline))[0]
    await bench.rerun(pipeline, first)
    await bench.settle()
    await bench.mark(pipeline, first)
    await settled(bench, pipeline)
    await bench.finish(await bench.claim("other"))
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"FINISHED": 2, "ready": 250}


async def test_what_failed_with_a_marked_one_stays(bench: Bench) -> None:
    """A mark is no rerun: what has failed is run again only when it is asked for."""
    pipeline = await bench.start(chain(True, True))
    [a, b] = await bench.ids(pipeline)
    for _ in range(2):
        await bench.finish(await bench.claim(), FAILED)
        await bench.settle()
        await bench.rerun(pipeline, a)
        await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    await bench.mark(pipeline, a)
    assert await settled(bench, pipeline) == {"A": "FINISHED", "B": CASCADED}
    assert await bench.rerun(pipeline, b) == 1
    assert (await bench.rows(pipeline))["B"] == "ready"


async def test_marked_and_run_again(bench: Bench) -> None:
    """A marked instance that is run again blocks what still waits, and is a new attempt."""
    pipeline = await bench.start([component("A"), component("B"), component("C", needs=[0, 1])])
    held = await bench.claim()
    first = (await bench.ids(pipeline))[0]
    await bench.mark(pipeline, first)
    await bench.settle()
    await bench.rerun(pipeline, first)
    await bench.settle()
    second = await bench.claim()
    again = await bench.claim()
    assert {second.component, again.component} == {"A", "B"}
    assert await bench.finish(held) == "canceled"
    for task in (second, again):
        assert (await bench.rows(pipeline))["C"] == "blocked"
        await bench.finish(task)
    assert (await bench.rows(pipeline))["C"] == "ready"


async def test_unknown_instance_changes_nothing(bench: Bench) -> None:
    """A list that names one unknown instance is refused whole."""
    pipeline = await bench.start(2)
    before = bench.dump()
    with pytest.raises(InvalidRequestError, match="'@Nothing'"):
        await bench.mark(pipeline, *await bench.ids(pipeline), "@Nothing")
    assert bench.dump() == before


async def test_repeated_mark_does_nothing(bench: Bench) -> None:
    """The same call again, by its answer key, changes nothing."""
    pipeline = await bench.start(2)
    ids = await bench.ids(pipeline)
    assert await bench.mark(pipeline, *ids, answer="key") == 2
    await bench.rerun(pipeline, ids[0])
    before = bench.dump()
    assert await bench.mark(pipeline, *ids, answer="key") == 0
    assert bench.dump() == before


async def test_deletion_in_the_middle(bench: Bench) -> None:
    """A pipeline that is deleted while a mark releases hundreds leaves nothing."""
    pipeline = await bench.start([component("Root"), *components(450, needs=[0])])
    await bench.settle()
    await bench.mark(pipeline, (await bench.ids(pipeline))[0])
    await bench.due(1)
    await bench.delete(pipeline)
    async for _ in bench.steps():
        assert await bench.poll() is None
    assert len([key for key in bench.dump() if pipeline in key]) == 1
