"""Schedules in the store: each interval is run once, in order, a bounded window ahead."""

from __future__ import annotations

import asyncio

import pytest
from schedules import (
    CRON,
    DAY,
    HOUR,
    SECOND,
    TIMESERIES,
    at,
    every,
    hours_ago,
    intervals,
    now_ms,
    on,
)
from seeds import ACCOUNT, Bench
from waiting import eventually

from coordinator.errors import InvalidRequestError

FAILED = "FAILED"


async def finish_next(bench: Bench, status: str = "FINISHED") -> str:
    """Finish what is ready, and make what comes of it; return its id."""
    task = await bench.claim()
    await bench.finish(task, status)
    await bench.settle()
    return task.instance_id


async def test_backfill_in_a_window(bench: Bench) -> None:
    """Of a start in the past the first intervals are made, and one more for each that has ended."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=3))
    assert await bench.ids(pipeline) == intervals("Work", start, 0, 1, 2)
    done = [await finish_next(bench) for _ in range(10)]
    assert done == intervals("Work", start, *range(10)), "each interval, in order"
    assert await bench.ids(pipeline) == done, "the next one has not begun"


async def test_a_year_of_hours(bench: Bench) -> None:
    """A backfill of 8,760 intervals makes as many instances as its window has, not more."""
    start = hours_ago(365 * 24)
    pipeline = await bench.schedule([on(), on(work="More")], every(HOUR, start_ms=start, count=2))
    assert len(await bench.ids(pipeline)) == 2 * 5
    for _ in range(20):
        await finish_next(bench)
    assert len(await bench.ids(pipeline)) == 2 * 15
    assert len(bench.dump()) < 300


async def test_the_end_of_the_interval(bench: Bench) -> None:
    """In style timeseries an interval is run when it is over, under the time of its start."""
    start = hours_ago(2.5)
    pipeline = await bench.schedule([on(TIMESERIES)], every(HOUR, TIMESERIES, start_ms=start))
    assert await bench.ids(pipeline) == intervals("Work", start, 0, 1)
    task = await bench.claim()
    assert (task.scheduled_ms, task.scheduled_end_ms) == (start, start + HOUR * 1000)


async def test_the_start_is_to_come(bench: Bench) -> None:
    """Nothing is made before the first interval begins; it is known when that will be."""
    start = now_ms() + HOUR * 1000
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start))
    assert await bench.ids(pipeline) == []
    run = await bench.due()
    assert run.next_due_ms == start
    stored = await bench.pipelines.read(ACCOUNT, pipeline)
    assert stored.pipeline["next_run_ms"] == str(start)


async def test_each_second(bench: Bench) -> None:
    """A schedule of one second, begun now, runs each second once."""
    pipeline = await bench.schedule([on()], every(SECOND, start_ms=now_ms(), window=100))

    async def three() -> bool:
        await bench.settle()
        return len(await bench.ids(pipeline)) >= 3

    await eventually(three, 20)
    ids = await bench.ids(pipeline)
    first = at(ids[0].removeprefix("@Work_"))
    assert ids == intervals("Work", first, *range(len(ids)), seconds=SECOND)


async def test_first_activation(bench: Bench) -> None:
    """A schedule without a start begins when the pipeline was first activated, for ever."""
    pipeline = await bench.schedule([on()], every(DAY, start_ms=None))
    [first] = await bench.ids(pipeline)
    await bench.deactivate(pipeline, cancel=False)
    await bench.activate(pipeline)
    await bench.settle()
    assert await bench.ids(pipeline) == [first]
    stored = await bench.pipelines.read(ACCOUNT, pipeline)
    begun = int(stored.pipeline["first_activated_ms"]) // 1000 * 1000
    assert [first] == intervals("Work", begun, 0)


@pytest.mark.parametrize("limit", ["occurrences", "end_ms"])
async def test_the_last_interval(bench: Bench, limit: str) -> None:
    """Behind its occurrences, or its end, a schedule is over; a later end, or none, revives it."""
    start = hours_ago(9.5)
    given = {"occurrences": 2, "end_ms": start + 2 * HOUR * 1000}[limit]
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, **{limit: given}))
    assert await bench.ids(pipeline) == intervals("Work", start, 0, 1)
    assert (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline["next_run_ms"] == "inf"
    later = {"occurrences": 3, "end_ms": start + 3 * HOUR * 1000}[limit]
    version = await bench.stage(
        pipeline, [on()], 0, [every(HOUR, start_ms=start, **{limit: later})]
    )
    await bench.activate(pipeline, version)
    await bench.settle()
    assert await bench.ids(pipeline) == intervals("Work", start, 0, 1, 2)
    version = await bench.stage(pipeline, [on()], 0, [every(HOUR, start_ms=start)])
    await bench.activate(pipeline, version)
    await bench.settle()
    assert len(await bench.ids(pipeline)) == 5, "it has no end any more"


async def test_many_run_at_once(bench: Bench) -> None:
    """Whoever applies due timers, and how often, each interval is made once."""
    start = hours_ago(50.5)
    pipeline = await bench.create()
    version = await bench.stage(pipeline, [on()], 0, [every(HOUR, start_ms=start, window=40)])
    await bench.activate(pipeline, version)
    await asyncio.gather(*(bench.due(1) for _ in range(200)))
    ids = await bench.ids(pipeline)
    assert ids == intervals("Work", start, *range(40))


async def test_many_components(bench: Bench) -> None:
    """The instances of a large interval are made by and by, and the intervals stay in order."""
    start = hours_ago(1.5)
    parts = [on(work=f"Work{i}", needs=[0] if i else []) for i in range(250)]
    pipeline = await bench.create()
    schedule = every(HOUR, start_ms=start, count=250)
    version = await bench.stage(pipeline, parts, 0, [schedule])
    await bench.activate(pipeline, version)
    async for _ in bench.steps():
        assert len(await bench.ids(pipeline)) <= 500
    assert await bench.tally(pipeline) == {"ready": 2, "blocked": 498}


async def test_a_larger_window(bench: Bench) -> None:
    """A schedule that was full goes on with its new window, and says that it waits no more."""
    start = hours_ago(2.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=1))
    [before] = await bench.pipelines.schedules(ACCOUNT, pipeline, [CRON])
    assert (before.live, before.window) == (1, 1)
    version = await bench.stage(pipeline, [on()], 0, [every(HOUR, start_ms=start, window=5)])
    await bench.activate(pipeline, version)
    await bench.settle()
    [after] = await bench.pipelines.schedules(ACCOUNT, pipeline, [CRON])
    assert (after.live, after.window) == (3, 0)


async def test_two_schedules(bench: Bench) -> None:
    """Each schedule of a pipeline has its own intervals, and a window of its own."""
    start = hours_ago(9.5)
    parts = [on(), on("cron/Days", "Daily")]
    schedules = [
        every(HOUR, start_ms=start, window=2),
        every(DAY, "cron/Days", start_ms=start, offset=1, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    assert sorted(await bench.ids(pipeline)) == sorted(
        intervals("Work", start, 0, 1) + intervals("Daily", start, 0)
    )


async def test_one_that_is_stuck_does_not_stop_the_schedule(bench: Bench) -> None:
    """What waits for a failed instance, and nothing else, does not count in the window."""
    start = hours_ago(9.5)
    parts = [
        on(maximum_retries=0),
        on(work="Next", needs=[0]),
        on(work="Last", needs=[1]),
    ]
    pipeline = await bench.schedule(parts, every(HOUR, start_ms=start, count=3, window=1))
    assert await finish_next(bench, FAILED) == intervals("Work", start, 0)[0]
    assert await finish_next(bench, FAILED) == intervals("Work", start, 1)[0]
    assert await bench.tally(pipeline) == {"FAILED": 2, "blocked": 6, "ready": 1}
    await bench.rerun(pipeline, *intervals("Work", start, 0))
    await bench.settle()
    assert await finish_next(bench) == intervals("Work", start, 0)[0]
    assert await finish_next(bench) == intervals("Next", start, 0)[0]


async def test_a_paused_component(bench: Bench) -> None:
    """The intervals of a paused component wait, no more of them than its window has."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=2))
    await bench.pause(pipeline, "Work")
    assert await bench.poll() is None
    assert len(await bench.ids(pipeline)) == 2
    await bench.resume(pipeline, "Work")
    await bench.settle()
    assert await finish_next(bench) == intervals("Work", start, 0)[0]


async def test_deletion(bench: Bench) -> None:
    """Nothing of its schedules is left of a deleted pipeline."""
    parts = [on(), on("cron/Days", "Daily", needs=[0])]
    start = hours_ago(9.5)
    schedules = [every(HOUR, start_ms=start), every(DAY, "cron/Days", start_ms=start, offset=1)]
    pipeline = await bench.schedule(parts, *schedules)
    await bench.delete(pipeline)
    async for _ in bench.steps():
        pass
    assert (await bench.timers().counts(0)).timers == 0


async def test_what_may_not_change(bench: Bench) -> None:
    """A schedule that has run keeps its start and period, and a pipeline its way to run."""
    start = hours_ago(2.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start))
    before = bench.dump()
    others = [
        [every(DAY, start_ms=start)],
        [every(HOUR, start_ms=start, unit="month")],
        [every(HOUR, start_ms=start + 1000)],
        [every(HOUR, TIMESERIES, start_ms=start)],
        [],
    ]
    for schedules in others:
        version = await bench.stage(pipeline, [on()], 0, schedules)
        with pytest.raises(InvalidRequestError, match="has run by its schedule 'Clock'"):
            await bench.activate(pipeline, version)
    after = bench.dump()
    kept = [key for key in before if "schedule" in key or "timers" in key]
    assert [before[key] for key in kept] == [after[key] for key in kept]


async def test_an_on_demand_pipeline_gets_no_schedule(bench: Bench) -> None:
    """The ids of its instances might come twice."""
    pipeline = await bench.start(1)
    version = await bench.stage(pipeline, [on()], 0, [every(HOUR, start_ms=None)])
    with pytest.raises(InvalidRequestError, match="has run on demand"):
        await bench.activate(pipeline, version)
