"""Schedules that go on after a deactivation, when something else had failed or was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedules import DAY, HOUR, every, hours_ago, intervals, on

if TYPE_CHECKING:
    from seeds import Bench

HOURS, DAYS, FOURS = "cron/Hours", "cron/Days", "cron/Fours"


async def off_and_on(bench: Bench, pipeline: str, start_ms: int | None = None) -> None:
    """Deactivate a pipeline and activate it again, each to its end."""
    await bench.deactivate(pipeline)
    await bench.settle()
    await bench.activate(pipeline, start_ms=start_ms)
    async for _ in bench.steps():
        pass


async def test_behind_one_that_has_failed(bench: Bench) -> None:
    """What waits for a failed instance is stuck again, though that has had its say before."""
    start = hours_ago(9.5)
    parts = [on(work="A", group="a", maximum_retries=0)]
    parts += [on(work=f"B{i}", group="b", needs=[0]) for i in range(60)]
    schedule = every(HOUR, start_ms=start, count=61, window=1)
    pipeline = await bench.schedule(parts, schedule)
    await bench.finish(await bench.claim("a"), "FAILED")
    await off_and_on(bench, pipeline)
    assert (await bench.claim("a")).instance_id == intervals("A", start, 1)[0]


async def test_what_was_being_run_again(bench: Bench) -> None:
    """An instance that was run again when the pipeline was deactivated is gone on with too."""
    start = hours_ago(9.5)
    parts = [on(work="A", group="a"), on(work="C", group="c"), on(work="B", needs=[0, 1])]
    pipeline = await bench.schedule(parts, every(HOUR, start_ms=start, count=3, window=1))
    await bench.finish(await bench.claim("a"))
    await bench.settle()
    await bench.rerun(pipeline, *intervals("A", start, 0))
    await off_and_on(bench, pipeline)
    for group in ("a", "c", "g"):
        await bench.finish(await bench.claim(group))
        await bench.settle()
    assert (await bench.claim("a")).instance_id == intervals("A", start, 1)[0]


async def test_what_was_stuck(bench: Bench) -> None:
    """What was stuck goes on with what it waits for, if that is run again behind an activation."""
    start = hours_ago(9.5)
    parts = [on(work="A", group="a", maximum_retries=0), on(work="B", group="b", needs=[0])]
    pipeline = await bench.schedule(parts, every(HOUR, start_ms=start, count=2, window=1))
    await bench.finish(await bench.claim("a"), "FAILED")
    await bench.settle()
    await off_and_on(bench, pipeline)
    await bench.rerun(pipeline, *intervals("A", start, 0))
    await bench.finish(await bench.claim("a"))
    await bench.settle()
    assert (await bench.claim("b")).instance_id == intervals("B", start, 0)[0]


async def test_behind_an_interval_that_is_left_out(bench: Bench) -> None:
    """An interrupted interval that is left out is skipped: nothing waits or fails for it."""
    start = hours_ago(30)
    parts = [on(DAYS, "Daily", group="d", cascade=True), on(HOURS, "Hourly", needs=[0])]
    schedules = [
        every(DAY, DAYS, start_ms=start, window=1),
        every(HOUR, HOURS, start_ms=start + HOUR * 1000, window=1, offset=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    await off_and_on(bench, pipeline, start + HOUR * 1000)
    found = await bench.states(pipeline)
    assert found[intervals("Daily", start, 0, seconds=DAY)[0]] == "SKIPPED"
    assert (await bench.claim()).instance_id == intervals("Hourly", start, 1)[0]
    assert "CASCADE_FAILED" not in found.values()


async def test_with_an_interval_of_another_schedule(bench: Bench) -> None:
    """What awaited an interval that was interrupted too waits for that again."""
    start = hours_ago(4.5)
    parts = [on(HOURS, "Hourly", cascade=True), on(DAYS, "Daily", needs=[0], cascade=True)]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=1, occurrences=2),
        every(DAY, DAYS, start_ms=start, offset=1, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    await bench.finish(await bench.claim())
    await bench.settle()
    await off_and_on(bench, pipeline)
    assert (await bench.states(pipeline))[intervals("Daily", start, 0)[0]] == "blocked"


async def test_a_component_that_is_no_more(bench: Bench) -> None:
    """Nobody waits for instances of a component that the next version does not have."""
    start = hours_ago(5.5)
    parts = [on(HOURS, "Hourly", group="h"), on(FOURS, "Four", group="d", needs=[0])]
    schedules = [
        every(HOUR, HOURS, start_ms=start, window=1),
        every(4 * HOUR, FOURS, start_ms=start, offset=1, window=1),
    ]
    pipeline = await bench.schedule(parts, *schedules)
    parts[0] = on(HOURS, "Renamed", group="h")
    await bench.activate(pipeline, await bench.stage(pipeline, parts, 0, schedules))
    await bench.settle()
    for _ in range(6):
        await bench.finish(await bench.claim("h"))
        await bench.settle()
    assert (await bench.states(pipeline))[intervals("Four", start, 0)[0]] == "ready"


async def test_another_time_is_given(bench: Bench) -> None:
    """Intervals that are still to come can be left out, and taken back, until they come."""
    start = hours_ago(1.5)
    pipeline = await bench.schedule(
        [on()], every(HOUR, start_ms=start), start_ms=start + 5000 * HOUR * 1000
    )
    assert await bench.tally(pipeline) == {"SKIPPED": 2}
    await bench.activate(pipeline, start_ms=start + 2 * HOUR * 1000)
    await bench.settle()
    stored = await bench.pipelines.read("acct", pipeline)
    assert stored.pipeline["next_run_ms"] == str(start + 2 * HOUR * 1000)


async def test_fewer_skipped_ones_of_many_components(bench: Bench) -> None:
    """So many intervals become skipped instances as make twenty thousand of them."""
    parts = [on(work=f"W{i}") for i in range(100)]
    start = hours_ago(3000)
    schedule = every(HOUR, start_ms=start, count=100, window=1)
    pipeline = await bench.schedule(parts, schedule, start_ms=start + 2500 * HOUR * 1000)
    assert len(await bench.ids(pipeline)) == 100 * (200 + 1)


def set_maxmemory(bench: Bench, size: str) -> None:
    """Set how much data the servers may have."""
    for server in bench.server.primaries():
        with server.client() as client:
            client.config_set("maxmemory", size)


async def test_full_memory(bench: Bench) -> None:
    """While memory is full no interval is made; it is made when there is room again."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=1))
    set_maxmemory(bench, "1")
    try:
        await bench.finish(await bench.claim())
        await bench.settle()
        assert len(await bench.ids(pipeline)) == 1
    finally:
        set_maxmemory(bench, "0")
    await bench.activate(pipeline)
    await bench.settle()
    assert len(await bench.ids(pipeline)) == 2
