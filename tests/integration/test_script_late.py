"""What is late in the store: not begun when its lateAfterTimeout is over."""

from __future__ import annotations

from schedules import HOUR, TIMESERIES, every, hours_ago, on
from seeds import ACCOUNT, Bench
from waiting import eventually, pass_time


async def record_of(bench: Bench, pipeline: str, place: int) -> dict[str, str]:
    """Return the record of the pipeline's first, second, … instance."""
    name = (await bench.ids(pipeline))[place]
    [stored] = await bench.pipelines.instances(ACCOUNT, pipeline, [(name, 0)])
    assert stored is not None
    return stored.instance


async def late(bench: Bench, **more: object) -> str:
    """Start an interval long ago whose activity is late, and let that be found out."""
    pipeline = await bench.schedule([on(late_ms=100, **more)], every(HOUR, start_ms=hours_ago(0.5)))
    assert "late" not in await record_of(bench, pipeline, 0), "its time begins with its making"
    await found_late(bench, pipeline)
    return pipeline


async def found_late(bench: Bench, pipeline: str) -> None:
    """Let it be found out that the last instance of a pipeline is late."""

    async def told() -> bool:
        await bench.settle()
        return "late" in await record_of(bench, pipeline, -1)

    await eventually(told, 20)


async def test_late(bench: Bench) -> None:
    """What nobody has begun when its time is over is late, and tells so."""
    pipeline = await late(bench, on_late=("Alarm",))
    [raised] = await eventually(bench.raised, 20)
    assert (await record_of(bench, pipeline, 0))["late"] == "1"
    entry = await bench.alarms.read(raised)
    assert entry is not None
    assert (entry.record["event"], entry.record["alarm"]) == ("late", "Alarm")
    assert (await bench.claim()).component == "Work", "it may still be begun"


async def test_terminate(bench: Bench) -> None:
    """With Terminate what is late is canceled."""
    pipeline = await late(bench, terminate_late=True)
    assert await bench.tally(pipeline) == {"CANCELED": 1}
    assert (await record_of(bench, pipeline, 0))["canceled_by"] == "late"


async def test_not_late(bench: Bench) -> None:
    """What has begun in time is not late, however long it takes."""
    start = hours_ago(0)
    parts = [on(work=w, late_ms=3000, on_late=("Alarm",), terminate_late=True) for w in "AB"]
    pipeline = await bench.schedule(parts, every(HOUR, start_ms=start, count=2))
    task, lost = await bench.claim(), await bench.claim()
    await bench.report(task)
    await bench.report(lost, timeout_ms=1)
    await pass_time(3.1)
    assert await bench.raised() == []
    assert await bench.tally(pipeline) == {"leased": 1, "ready": 1}
    assert "late" not in await record_of(bench, pipeline, 1), "it was begun, and lost since"
    assert await bench.finish(task) == "finished"


async def test_late_in_style_timeseries(bench: Bench) -> None:
    """What runs at the end of its interval is late some time after that, not after the start."""
    start = hours_ago(1.5)
    pipeline = await bench.schedule(
        [on(TIMESERIES, late_ms=45 * 60_000, terminate_late=True)],
        every(HOUR, TIMESERIES, start_ms=start),
    )
    assert await bench.tally(pipeline) == {"ready": 1}


async def test_terminate_ends_the_checks(bench: Bench) -> None:
    """The preconditions of what is late, and terminated, are not checked any more."""
    parts = [
        on(work="Ready", precondition=True, cascade=True),
        on(needs=[0], checks=(0,), late_ms=100, terminate_late=True),
    ]
    pipeline = await bench.schedule(parts, every(HOUR, start_ms=hours_ago(0.5), count=2))
    await found_late(bench, pipeline)
    assert await bench.tally(pipeline) == {"CANCELED": 2}


async def test_nobody_is_late_while_deactivated_or_paused(bench: Bench) -> None:
    """What may not be begun cannot be late, and a precondition's time does not run out."""
    parts = [
        on(work="Ready", precondition=True, precondition_timeout_ms=200, late_ms=100),
        on(late_ms=100, terminate_late=True),
    ]
    for put_off in (bench.deactivate, bench.pause):
        pipeline = await bench.schedule(parts, every(HOUR, start_ms=hours_ago(0.5), count=2))
        if put_off == bench.pause:
            await bench.pause(pipeline, "Ready", "Work")
        else:
            await bench.deactivate(pipeline, cancel=False)
        await pass_time(0.4)
        await bench.settle()
        assert await bench.tally(pipeline) == {"ready": 2}
        await bench.delete(pipeline)
        await bench.settle()
