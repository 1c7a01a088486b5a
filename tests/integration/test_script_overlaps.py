"""Dependencies between schedules: interval by interval, made before or not."""

from __future__ import annotations

from schedules import DAY, HOUR, MINUTE, every, hours_ago, intervals, on
from seeds import ACCOUNT, Bench

HOURS, DAYS = "cron/Hours", "cron/Days"


async def needs_of(bench: Bench, pipeline: str, instance: str) -> set[str]:
    """Return the ids that an instance waits for (at most five are told)."""
    [stored] = await bench.pipelines.instances(ACCOUNT, pipeline, [(instance, 0)])
    assert stored is not None
    assert stored.unmet == len(stored.needs) or len(stored.needs) == 5
    return {need.id for need in stored.needs}


def four_hours(work: str, **more: object) -> object:
    """Make a schedule of four hours, whose name ends in `work`."""
    return every(4 * HOUR, f"cron/{work}", **more)


async def test_a_long_interval_waits_for_the_short_ones(bench: Bench) -> None:
    """It waits for all that overlap it, those that are not made yet among them."""
    start = hours_ago(4.5)
    parts = [on(HOURS, "Hourly"), on("cron/Four", "Four", needs=[0])]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=1),
        four_hours("Four", start_ms=start, offset=1, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    [four] = intervals("Four", start, 0, seconds=4 * HOUR)
    assert await needs_of(bench, pipeline, four) == set(intervals("Hourly", start, 0, 1, 2, 3))
    for hour in range(4):
        bench.check()
        task = await bench.claim()
        assert task.instance_id == intervals("Hourly", start, hour)[0]
        await bench.finish(task)
        await bench.settle()
    found = {(await bench.claim()).instance_id for _ in range(2)}
    assert found == {four, *intervals("Hourly", start, 4)}


async def test_short_intervals_wait_for_the_long_one(bench: Bench) -> None:
    """Each of them waits for the one that it lies in, whichever was made first."""
    start = hours_ago(7.5)
    parts = [on(HOURS, "Hourly", needs=[1]), on("cron/Four", "Four")]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=6),
        four_hours("Four", start_ms=start, offset=1, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    fours = intervals("Four", start, 0, 1, seconds=4 * HOUR)
    hours = intervals("Hourly", start, *range(6))
    wanted = [{fours[0]}] * 4 + [{fours[1]}] * 2
    assert [await needs_of(bench, pipeline, hour) for hour in hours] == wanted
    task = await bench.claim()
    assert task.instance_id == fours[0]
    await bench.finish(task)
    async for _ in bench.steps():
        pass
    found = {(await bench.claim()).instance_id for _ in range(5)}
    assert found == {*hours[:4], fours[1]}


async def test_styles_of_one_schedule(bench: Bench) -> None:
    """What runs at the end of an interval can wait for what runs at its start."""
    start = hours_ago(2.5)
    parts = [on("cron/Clock", "Early"), on("timeseries/Clock", "Late", needs=[0])]
    schedules = [
        every(HOUR, "cron/Clock", start_ms=start),
        every(HOUR, "timeseries/Clock", start_ms=start, offset=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    for k in (0, 1):
        [late], early = intervals("Late", start, k), set(intervals("Early", start, k))
        assert await needs_of(bench, pipeline, late) == early


async def test_outside_of_the_other_schedule(bench: Bench) -> None:
    """Where the other schedule has no interval there is nothing to wait for."""
    start = hours_ago(3.5)
    parts = [on(HOURS, "Hourly"), on(DAYS, "Daily", needs=[0]), on(DAYS, "Other", needs=[0])]
    schedules = [
        every(HOUR, HOURS, start_ms=start, occurrences=2),
        every(DAY, DAYS, start_ms=start - 3 * DAY * 1000, offset=1, count=2),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    assert await bench.tally(pipeline) == {"ready": 6 + 2, "blocked": 2}
    while task := await bench.poll():
        await bench.finish(task)
        await bench.settle()
    assert await bench.tally(pipeline) == {"FINISHED": 10}


async def test_skipped_intervals_are_done(bench: Bench) -> None:
    """What waits for an interval that is left out goes on, made before or behind it."""
    start = hours_ago(4.5)
    parts = [on(HOURS, "Hourly"), on("cron/Four", "Four", needs=[0])]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=1),
        four_hours("Four", start_ms=start, offset=1, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    await bench.deactivate(pipeline, cancel=False)
    await bench.activate(pipeline, start_ms=start + 4 * HOUR * 1000)
    async for _ in bench.steps():
        pass
    [four] = intervals("Four", start, 0, seconds=4 * HOUR)
    assert await needs_of(bench, pipeline, four) == set(intervals("Hourly", start, 0))
    await bench.finish(await bench.claim())
    await bench.settle()
    assert four in {(await bench.claim()).instance_id for _ in range(2)}


async def test_intervals_that_are_gone(bench: Bench) -> None:
    """What is left out without a trace is not waited for, what was made before is."""
    start = hours_ago(24.5)
    parts = [on("cron/Minutes", "Minutely"), on("timeseries/Day", "Daily", needs=[0])]
    schedules = [
        every(MINUTE, "cron/Minutes", start_ms=start, window=1),
        every(DAY, "timeseries/Day", start_ms=start, offset=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    await bench.deactivate(pipeline, cancel=False)
    await bench.activate(pipeline, start_ms=start + DAY * 1000)
    await bench.settle()
    assert (await bench.tally(pipeline))["SKIPPED"] == 1000
    first, day = intervals("Minutely", start, 0) + intervals("Daily", start, 0)
    assert await needs_of(bench, pipeline, day) == {first}
    await bench.finish(await bench.claim())
    await bench.settle()
    assert (await bench.claim()).instance_id == day


async def test_made_behind_one_that_is_stuck(bench: Bench) -> None:
    """What is made when the one that it needs is stuck already does not count in its window."""
    start = hours_ago(9.5)
    parts = [
        on(HOURS, "Hourly", maximum_retries=0),
        on(HOURS, "Next", needs=[0]),
        on("cron/Four", "Four", needs=[1]),
    ]
    schedules = [
        every(HOUR, HOURS, start_ms=start, count=2),
        four_hours("Four", start_ms=start, offset=2, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    tasks = [await bench.claim() for _ in range(5)]
    for task in (tasks[4], tasks[0]):
        assert task.instance_id in intervals("Hourly", start, 0, 4)
        await bench.finish(task, "FAILED")
        async for _ in bench.steps():
            pass
    fours = [name for name in await bench.ids(pipeline) if name.startswith("@Four")]
    assert fours == intervals("Four", start, 0, 1, 2, seconds=4 * HOUR)


async def test_what_waits_is_run_again(bench: Bench) -> None:
    """Run again, an instance waits for what it needs, made by then or not."""
    start = hours_ago(4.5)
    parts = [on(HOURS, "Hourly"), on("cron/Four", "Four", needs=[0])]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=2),
        four_hours("Four", start_ms=start, offset=1, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    [four] = intervals("Four", start, 0, seconds=4 * HOUR)
    await bench.cancel(pipeline, four)
    await bench.finish(await bench.claim())
    await bench.settle()
    assert await bench.rerun(pipeline, four) == 1
    bench.check()
    assert await needs_of(bench, pipeline, four) == set(intervals("Hourly", start, 1, 2, 3))


async def test_run_again_before_all_is_canceled(bench: Bench) -> None:
    """While a deactivation still passes, what waits for an interval to come can be run again."""
    start = hours_ago(4.5)
    parts = [
        *(on(HOURS, f"Hourly{n}") for n in range(60)),
        on("cron/Four", "Four", needs=[0]),
    ]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=1, count=60),
        four_hours("Four", start_ms=start, offset=60, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    [four] = intervals("Four", start, 0, seconds=4 * HOUR)
    await bench.deactivate(pipeline)
    assert await bench.rerun(pipeline, four) == 1
    async for _ in bench.steps():
        pass
    assert await needs_of(bench, pipeline, four) == set(intervals("Hourly0", start, 0, 1, 2, 3))


async def test_instances_that_are_still_made(bench: Bench) -> None:
    """What is begun meanwhile waits for those too that the cursor has not come to."""
    start = hours_ago(1.5)
    parts = [
        *(on(HOURS, f"Hourly{n}") for n in range(450)),
        on("cron/Later", "Later", needs=[3, 448]),
    ]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=1, count=450, occurrences=1),
        four_hours("Later", start_ms=start, offset=450, window=1),
    ]
    pipeline = await bench.create()
    version = await bench.stage(pipeline, parts, 0, schedules)
    await bench.activate(pipeline, version)
    async for _ in bench.steps():
        pass
    [later] = intervals("Later", start, 0, seconds=4 * HOUR)
    wanted = {name for n in (3, 448) for name in intervals(f"Hourly{n}", start, 0)}
    assert await needs_of(bench, pipeline, later) == wanted


async def test_deletion_of_what_is_awaited(bench: Bench) -> None:
    """Of a deleted pipeline nothing is left that waits for instances that are never made."""
    start = hours_ago(0.5)
    parts = [on(HOURS, "Hourly"), on(DAYS, "Daily", needs=[0])]
    schedules = [every(HOUR, HOURS, start_ms=start), every(DAY, DAYS, start_ms=start, offset=1)]
    pipeline = await bench.schedule(parts, *schedules)
    assert any("awaited" in key for key in bench.dump())
    await bench.delete(pipeline)
    await bench.settle()
    assert not any("await" in key for key in bench.dump())


def four_and_hourly(start: int, **hourly: object) -> tuple[list[object], list[object]]:
    """Make a component every four hours that needs an hourly one."""
    parts = [on(HOURS, "Hourly"), on("cron/Four", "Four", needs=[0])]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=1, **hourly),
        four_hours("Four", start_ms=start, offset=1, window=1),
    ]
    return parts, schedules


async def test_an_end_that_comes_earlier(bench: Bench) -> None:
    """Nobody waits for the intervals behind an end that an activation moves, also run again."""
    start = hours_ago(4.5)
    pipeline = await bench.schedule(*_flat(four_and_hourly(start)))
    [four] = intervals("Four", start, 0, seconds=4 * HOUR)
    parts, schedules = four_and_hourly(start, occurrences=1)
    await bench.activate(pipeline, await bench.stage(pipeline, parts, 0, schedules))
    async for _ in bench.steps():
        pass
    assert await needs_of(bench, pipeline, four) == set(intervals("Hourly", start, 0))
    await bench.cancel(pipeline, four)
    await bench.rerun(pipeline, four)
    await bench.settle()
    assert await needs_of(bench, pipeline, four) == set(intervals("Hourly", start, 0))
    await bench.finish(await bench.claim())
    await bench.settle()
    assert (await bench.claim()).instance_id == four


async def test_made_behind_an_end_that_comes_earlier(bench: Bench) -> None:
    """What is made from then on does not wait for it, though it is there."""
    start = hours_ago(9.5)
    parts = [on(HOURS, "Hourly"), on("cron/Four", "Four", needs=[0])]
    four = four_hours("Four", start_ms=start, offset=1, window=1)
    pipeline = await bench.schedule(parts, every(HOUR, HOURS, start_ms=start, window=6), four)
    hours = every(HOUR, HOURS, start_ms=start, window=6, occurrences=5)
    await bench.activate(pipeline, await bench.stage(pipeline, parts, 0, [hours, four]))
    await bench.settle()
    assert intervals("Hourly", start, 5)[0] in await bench.ids(pipeline)
    first, second = intervals("Four", start, 0, 1, seconds=4 * HOUR)
    await bench.cancel(pipeline, first)
    await bench.settle()
    assert await needs_of(bench, pipeline, second) == set(intervals("Hourly", start, 4))


async def test_very_many_that_are_left_out(bench: Bench) -> None:
    """Nobody waits for intervals that are left out without a trace, made before or behind that."""
    start = hours_ago(3000)
    pipeline = await bench.schedule(*_flat(four_and_hourly(start)))
    await bench.activate(pipeline, start_ms=start + 2500 * HOUR * 1000)
    await bench.settle()
    await bench.finish(await bench.claim())
    await bench.settle()
    [four] = intervals("Four", start, 0, seconds=4 * HOUR)
    assert four in {(await bench.claim()).instance_id for _ in range(2)}
    assert "awaited" not in " ".join(bench.dump())


def _flat(made: tuple[list[object], list[object]]) -> list[object]:
    parts, schedules = made
    return [parts, *schedules]
