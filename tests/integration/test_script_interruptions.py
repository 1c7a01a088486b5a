"""Schedules that are deactivated and go on: with what was interrupted, or from another time on."""

from __future__ import annotations

from typing import Any

from schedules import CRON, HOUR, every, hours_ago, intervals, now_ms, on
from seeds import ACCOUNT, Bench
from waiting import eventually


async def test_what_was_interrupted_is_run_again(bench: Bench) -> None:
    """Activated again, a schedule goes on after the last interval that was completed."""
    start = hours_ago(9.5)
    parts = [on(), on(work="Next", needs=[0], cascade=True)]
    pipeline = await bench.schedule(parts, every(HOUR, start_ms=start, count=2, window=2))
    task = await bench.claim()
    await bench.finish(task)
    await bench.deactivate(pipeline)
    await bench.settle()
    before = await bench.states(pipeline)
    assert sorted(before.values()) == ["CANCELED"] * 3 + ["FINISHED"]
    await bench.activate(pipeline)
    async for _ in bench.steps():
        pass
    after = await bench.states(pipeline)
    assert after.keys() == before.keys(), "nothing new while the window is full"
    works, nexts = intervals("Work", start, 0, 1), intervals("Next", start, 0, 1)
    assert [after[i] for i in works] == ["FINISHED", "ready"]
    assert [after[i] for i in nexts] == ["ready", "blocked"]
    done = []
    for _ in range(19):
        task = await bench.claim()
        done.append(task.instance_id)
        await bench.finish(task)
        await bench.settle()
    works = [one for one in sorted(done) if one.startswith("@Work")]
    assert works == intervals("Work", start, *range(1, 10))


async def test_activated_before_all_is_canceled(bench: Bench) -> None:
    """An activation right behind a deactivation loses no interval, however far cursors are."""
    start = hours_ago(9.5)
    parts = [on(work=f"Work{i}") for i in range(130)]
    pipeline = await bench.schedule(parts, every(HOUR, start_ms=start, count=130, window=1))
    for _ in range(60):
        await bench.finish(await bench.claim())
    await bench.deactivate(pipeline)
    await bench.activate(pipeline)
    async for _ in bench.steps():
        pass
    assert await bench.tally(pipeline) == {"FINISHED": 60, "ready": 70}


async def test_deactivated_while_its_instances_are_made(bench: Bench) -> None:
    """What had not been made yet is made canceled, and run after the next activation."""
    parts = [on(work=f"Work{i}") for i in range(450)]
    pipeline = await bench.create()
    schedule = every(HOUR, start_ms=hours_ago(9.5), count=450, window=1)
    version = await bench.stage(pipeline, parts, 0, [schedule])
    await bench.activate(pipeline, version)
    while not await bench.ids(pipeline):
        await bench.due(1)
    await bench.deactivate(pipeline)
    for _ in range(2):
        await bench.due(1)
    await bench.activate(pipeline, version)
    async for _ in bench.steps():
        pass
    assert await bench.tally(pipeline) == {"ready": 450}


async def half_made(bench: Bench, pipeline: str) -> None:
    """Let the first instances be made of an interval that has many."""
    while not await bench.ids(pipeline):
        await bench.due(1)


def slow_parts() -> list[Any]:
    """Make 300 components, of which twenty are made at a time: they name a hundred needs each."""
    return [on(work=f"Work{i}", needs=[*range(10)] * 10 * (i >= 10)) for i in range(300)]


async def test_off_while_its_instances_are_made(bench: Bench) -> None:
    """What is made, slowly, after the deactivation is canceled, and run only in later intervals."""
    start, parts = hours_ago(9.5), slow_parts()
    pipeline = await bench.create()
    version = await bench.stage(
        pipeline, parts, 0, [every(HOUR, start_ms=start, count=300, window=1)]
    )
    await bench.activate(pipeline, version)
    await half_made(bench, pipeline)
    await bench.deactivate(pipeline)
    await bench.settle()
    assert await bench.tally(pipeline) == {"CANCELED": 300}
    await bench.activate(pipeline, version, start_ms=start + HOUR * 1000)
    await bench.settle()
    assert await bench.tally(pipeline) == {"SKIPPED": 300, "ready": 10, "blocked": 290}


async def test_past_while_its_instances_are_made(bench: Bench) -> None:
    """What is made after an activation from a later time on is skipped, and does not count."""
    start, parts = hours_ago(9.5), slow_parts()
    pipeline = await bench.create()
    version = await bench.stage(
        pipeline, parts, 0, [every(HOUR, start_ms=start, count=300, window=1)]
    )
    await bench.activate(pipeline, version)
    await half_made(bench, pipeline)
    await bench.deactivate(pipeline)
    await bench.activate(pipeline, version, start_ms=start + HOUR * 1000)
    await bench.settle(1)
    assert await bench.tally(pipeline) == {"SKIPPED": 300, "ready": 10, "blocked": 290}


async def test_twice(bench: Bench) -> None:
    """Deactivated again before it had gone on, a schedule still goes on with all of it."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=3))
    for _ in range(3):
        await bench.deactivate(pipeline)
        await bench.due(1)
        await bench.activate(pipeline)
        await bench.due(1)
    await bench.settle()
    assert await bench.states(pipeline) == dict.fromkeys(intervals("Work", start, 0, 1, 2), "ready")


async def test_kept_tasks(bench: Bench) -> None:
    """Deactivated without cancelActive, what waits is kept, and no interval begins meanwhile."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=2))
    task = await bench.claim()
    await bench.deactivate(pipeline, cancel=False)
    await bench.finish(task)
    await bench.settle()
    assert len(await bench.ids(pipeline)) == 2
    assert await bench.poll() is None
    await bench.activate(pipeline)
    await bench.settle()
    assert (await bench.claim()).instance_id == intervals("Work", start, 1)[0]
    assert len(await bench.ids(pipeline)) == 3


async def test_from_another_time_on(bench: Bench) -> None:
    """The intervals before the time to go on from are skipped, and shown so; the others are run."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=2))
    await bench.deactivate(pipeline)
    await bench.activate(pipeline, start_ms=start + 6 * HOUR * 1000)
    async for _ in bench.steps():
        pass
    found = await bench.states(pipeline)
    statuses = ["SKIPPED"] * 6 + ["ready"] * 2
    assert found == dict(zip(intervals("Work", start, *range(8)), statuses, strict=True))


async def test_from_an_interrupted_interval_on(bench: Bench) -> None:
    """The interrupted interval that begins at the time to go on from is run, those before not."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=2))
    await bench.deactivate(pipeline)
    await bench.activate(pipeline, start_ms=start + HOUR * 1000)
    await bench.settle()
    assert list((await bench.states(pipeline)).values()) == ["SKIPPED", "ready", "ready"]


async def test_interrupted_ones_that_wait_for_each_other(bench: Bench) -> None:
    """What waits for one that is run again after it is run again with it."""
    parts = [on(work="Last", needs=[1], cascade=True), on(work="First", cascade=True)]
    schedule = every(HOUR, start_ms=hours_ago(0.5), count=2)
    pipeline = await bench.schedule(parts, schedule)
    await bench.deactivate(pipeline)
    await bench.activate(pipeline)
    async for _ in bench.steps():
        pass
    assert await bench.rows(pipeline) == {"Last": "blocked", "First": "ready"}


async def test_in_the_middle_of_an_interval(bench: Bench) -> None:
    """Of a time within an interval the next one is the first; an earlier time changes nothing."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule(
        [on()], every(HOUR, start_ms=start, window=1), start_ms=start + 3 * HOUR * 1000 - 1
    )
    assert (await bench.claim()).instance_id == intervals("Work", start, 3)[0]
    await bench.activate(pipeline, start_ms=start)
    await bench.settle()
    assert len(await bench.ids(pipeline)) == 4


async def test_many_that_are_skipped(bench: Bench) -> None:
    """Of very many intervals that are left out the last thousand become instances."""
    start = hours_ago(24 * 365)
    later = start + 24 * 364 * HOUR * 1000
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start), start_ms=later)
    assert await bench.tally(pipeline) == {"SKIPPED": 1000, "ready": 5}
    ids = await bench.ids(pipeline)
    assert ids[999:1001] == intervals("Work", later, -1, 0)


async def test_a_time_to_come(bench: Bench) -> None:
    """Intervals that are still to come can be left out too: they are skipped when they come."""
    start = now_ms() - 500
    pipeline = await bench.schedule([on()], every(1, start_ms=start), start_ms=start + 1500)

    async def two() -> bool:
        await bench.settle()
        return len(await bench.ids(pipeline)) >= 3

    await eventually(two, 20)
    found = await bench.states(pipeline)
    assert list(found.values())[:3] == ["SKIPPED", "SKIPPED", "ready"]


async def test_a_time_behind_the_end(bench: Bench) -> None:
    """Of a schedule that is over by then no more is skipped than it has."""
    start = hours_ago(9.5)
    schedule = every(HOUR, start_ms=start, occurrences=3)
    pipeline = await bench.schedule([on()], schedule, start_ms=start + 9 * HOUR * 1000)
    assert await bench.tally(pipeline) == {"SKIPPED": 3}
    assert (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline["next_run_ms"] == "inf"
    await bench.activate(pipeline, start_ms=start + 9 * HOUR * 1000)
    await bench.settle()
    assert await bench.tally(pipeline) == {"SKIPPED": 3}


async def test_a_skipped_interval_can_be_run(bench: Bench) -> None:
    """A rerun takes a skipped instance as any other, and what it needs counts as done."""
    start = hours_ago(5.5)
    parts = [on(), on(work="Next", needs=[0])]
    schedule = every(HOUR, start_ms=start, count=2)
    pipeline = await bench.schedule(parts, schedule, start_ms=start + 2 * HOUR * 1000)
    [skipped] = intervals("Next", start, 1)
    assert await bench.rerun(pipeline, skipped) == 1
    assert (await bench.claim()).instance_id == skipped


async def test_interrupted_and_marked(bench: Bench) -> None:
    """What was marked finished while the pipeline was off is not run again, and does not count."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=1))
    await bench.deactivate(pipeline)
    await bench.settle()
    await bench.mark(pipeline, *intervals("Work", start, 0))
    bench.check()
    await bench.activate(pipeline)
    await bench.settle()
    assert (await bench.claim()).instance_id == intervals("Work", start, 1)[0]


async def test_interrupted_and_run_again(bench: Bench) -> None:
    """What was run again while the pipeline was off is run once, and counts until it ends."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=1))
    await bench.deactivate(pipeline)
    await bench.settle()
    await bench.rerun(pipeline, *intervals("Work", start, 0))
    await bench.activate(pipeline)
    await bench.settle()
    task = await bench.claim()
    assert (task.instance_id, await bench.poll()) == (intervals("Work", start, 0)[0], None)
    await bench.finish(task)
    await bench.settle()
    assert (await bench.claim()).instance_id == intervals("Work", start, 1)[0]


async def test_interrupted_and_canceled(bench: Bench) -> None:
    """What was run again and canceled by hand while the pipeline was off stays canceled."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=1))
    await bench.deactivate(pipeline)
    await bench.rerun(pipeline, *intervals("Work", start, 0))
    await bench.cancel(pipeline, *intervals("Work", start, 0))
    await bench.activate(pipeline)
    await bench.settle()
    assert list((await bench.states(pipeline)).values()) == ["CANCELED", "ready"]


async def test_a_new_version(bench: Bench) -> None:
    """A definition that is put and activated in the middle counts from the next interval on."""
    start = hours_ago(9.5)
    pipeline = await bench.schedule([on()], every(HOUR, start_ms=start, window=1))
    parts = [on(work="New"), on()]
    version = await bench.stage(
        pipeline, parts, 0, [every(HOUR, start_ms=start, count=2, window=1)]
    )
    await bench.activate(pipeline, version)
    await bench.settle()
    first = await bench.claim()
    assert (first.version, first.component) == ("1", "Work")
    await bench.finish(first)
    await bench.settle()
    found = {
        (task.version, task.instance_id) for task in [await bench.claim(), await bench.claim()]
    }
    assert found == {(version, i) for w in ("New", "Work") for i in intervals(w, start, 1)}
    assert CRON in (bench.dump())[f"coord:1:{{0}}:schedules:{ACCOUNT}:{pipeline}"].value
