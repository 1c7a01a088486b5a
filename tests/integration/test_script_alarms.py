"""The outbox of alarms: raised with what they tell of, offered while due, gone once settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cascades import FAILED, cascading
from seeds import ACCOUNT, Bench, component, components
from waiting import eventually, pass_time

if TYPE_CHECKING:
    from coordinator.store.alarms import Raised, StoredAlarm

ERRORS = ("Disk", "no space left", "trace")


def alarming(name: str = "Work", **more: Any) -> Any:
    """A component without retries that names an alarm for each way to end."""
    given = {"maximum_retries": 0, "on_fail": ("Bad",), "on_success": ("Good",), **more}
    return component(name, **given)


async def read_all(bench: Bench, raised: list[Raised]) -> list[StoredAlarm]:
    """Read alarms, all of which must be there."""
    found = [await bench.alarms.read(which) for which in raised]
    assert None not in found
    return [entry for entry in found if entry is not None]


async def fail_many(bench: Bench, count: int) -> str:
    """Start a pipeline in which one failure cascades to `count` components with an alarm."""
    parts = [cascading("A")]
    parts += [alarming(f"Leaf{i}", needs=[0], on_success=()) for i in range(count)]
    pipeline = await bench.start(parts)
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    return pipeline


async def test_failure(bench: Bench) -> None:
    """A failure raises an alarm, which says what it is about."""
    pipeline = await bench.start([alarming()])
    task = await bench.claim()
    await bench.finish(task, FAILED, ERRORS)
    bench.check()
    [which] = await bench.raised()
    assert which == (ACCOUNT, pipeline, "1")
    [entry] = await read_all(bench, [which])
    record = entry.record
    told = {"alarm": "Bad", "event": "fail", "status": FAILED, "component": "Work"}
    told |= {"error_id": "Disk", "error_message": "no space left", "id": task.instance_id}
    told |= {"n": str(task.n), "version": "1", "attempt": "1", "tries": "0", "object": "Work"}
    assert {key: record[key] for key in told} == told
    assert record["scheduled_ms"] == record["scheduled_end_ms"] == str(task.scheduled_ms)
    assert record["created_ms"] <= record["raised_ms"] <= str(entry.now_ms)
    assert entry.pipeline_name.startswith("pipeline ")
    assert (await bench.timers().counts(0)).alarms == 1


async def test_success(bench: Bench) -> None:
    """Each alarm that a component names for its success is raised."""
    await bench.start([alarming(on_success=("Good", "Better"))])
    await bench.finish(await bench.claim())
    entries = await read_all(bench, await bench.raised())
    assert [(e.record["alarm"], e.record["event"]) for e in entries] == [
        ("Good", "success"),
        ("Better", "success"),
    ]


async def test_marked_finished(bench: Bench) -> None:
    """What somebody marks as finished has succeeded."""
    pipeline = await bench.start([alarming()])
    await bench.mark(pipeline, *await bench.ids(pipeline))
    [entry] = await read_all(bench, await bench.raised())
    assert (entry.record["alarm"], entry.record["status"]) == ("Good", "FINISHED")


async def test_retry(bench: Bench) -> None:
    """An attempt that is retried raises nothing."""
    await bench.start([alarming(maximum_retries=1)])
    await bench.finish(await bench.claim(), FAILED)
    assert await bench.raised() == []
    await bench.finish(await bench.claim(), FAILED)
    [entry] = await read_all(bench, await bench.raised())
    assert entry.record["attempt"] == "2"


async def test_lost_too_often(bench: Bench) -> None:
    """A failure that due work finds raises an alarm too, with the reason."""
    await bench.start([alarming()])
    await bench.report(await bench.claim(), timeout_ms=1)
    found: list[Raised] = []

    async def told() -> bool:
        found.extend(await bench.raised(max_lost_leases=1))
        return bool(found)

    await eventually(told)
    [entry] = await read_all(bench, found)
    assert entry.record["error_id"] == "LeaseLostTooOften"


async def test_cascade(bench: Bench) -> None:
    """What fails with something else raises its alarm, and says with what."""
    await fail_many(bench, 1)
    [entry] = await read_all(bench, await bench.raised())
    assert entry.record["status"] == "CASCADE_FAILED"
    assert entry.record["cascade_failed_on"].startswith("@A_")
    assert entry.record["error_message"] == ""


async def test_cancel(bench: Bench) -> None:
    """What is canceled raises nothing, whoever does it."""
    pipeline = await bench.start([alarming("A"), alarming("B")])
    await bench.cancel(pipeline, (await bench.ids(pipeline))[0])
    await bench.deactivate(pipeline)
    assert await bench.raised() == []
    assert await bench.tally(pipeline) == {"CANCELED": 2}


async def test_without_alarms(bench: Bench) -> None:
    """A component that names none raises none."""
    await bench.start([component(), alarming("Other", on_fail=())])
    await bench.finish(await bench.claim())
    await bench.finish(await bench.claim(), FAILED, ERRORS)
    assert not [key for key in bench.dump() if ":outbox:" in key or ":alarm:" in key]


async def test_rerun(bench: Bench) -> None:
    """An instance that is run again tells its end again, under a number of its own."""
    pipeline = await bench.start([alarming()])
    await bench.finish(await bench.claim(), FAILED)
    await bench.rerun(pipeline, *await bench.ids(pipeline))
    await bench.finish(await bench.claim(), FAILED)
    assert [which.seq for which in await bench.raised()] == ["1", "2"]


async def test_taken_once(bench: Bench) -> None:
    """An alarm that was given to a caller is not given to the next one."""
    await bench.start([alarming()])
    await bench.finish(await bench.claim())
    assert len(await bench.raised()) == 1
    await pass_time(0.01)
    assert await bench.raised() == []
    assert (await bench.timers().counts(0)).alarms == 1


async def test_no_room(bench: Bench) -> None:
    """A caller gets no more than it can deliver; the others are due again in a second or so."""
    await bench.start([alarming(f"Work{i}") for i in range(5)])
    for _ in range(5):
        await bench.finish(await bench.claim())
    assert len(await bench.raised(2)) == 2
    bench.check()
    assert await bench.raised() == []
    rest: list[Raised] = []

    async def come() -> bool:
        rest.extend(await bench.raised())
        return len(rest) == 3

    await eventually(come)


async def test_delivered(bench: Bench) -> None:
    """Nothing is left of an alarm that was delivered; to say so again changes nothing."""
    await bench.start([alarming()])
    await bench.finish(await bench.claim())
    [which] = await bench.raised()
    assert await bench.alarms.remove(which)
    assert not [key for key in bench.dump() if ":outbox:" in key or ":alarm:" in key]
    before = bench.dump()
    assert not await bench.alarms.remove(which)
    assert not await bench.alarms.put_off(which, "late", 0)
    assert await bench.alarms.read(which) is None
    assert bench.dump() == before


async def test_failed_delivery(bench: Bench) -> None:
    """A delivery that failed is due again after its delay, and says why it failed."""
    await bench.start([alarming()])
    await bench.finish(await bench.claim())
    [which] = await bench.raised()
    assert await bench.alarms.put_off(which, "no route", 60_000)
    assert await bench.raised() == []
    assert await bench.alarms.put_off(which, "refused", 20)
    bench.check()
    [entry] = await read_all(bench, [which])
    assert (entry.record["tries"], entry.record["last_error"]) == ("2", "refused")
    assert await eventually(bench.raised) == [which]
    counts = await bench.timers().counts(0)
    assert (counts.alarms, counts.stuck) == (1, 1)
    assert await bench.alarms.remove(which)
    counts = await bench.timers().counts(0)
    assert (counts.alarms, counts.stuck) == (0, 0)


async def test_pipeline_tells(bench: Bench) -> None:
    """A pipeline's record says how many alarms wait, and why the oldest does."""
    pipeline = await bench.start([alarming("A"), alarming("B")])
    record = (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline
    assert not record.keys() & {"pending_alarms", "alarm_error"}
    await bench.finish(await bench.claim())
    await bench.finish(await bench.claim())
    first, second = await bench.raised()
    await bench.alarms.put_off(second, "the second", 60_000)
    record = (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline
    assert (record["pending_alarms"], record["alarm_error"]) == ("2", "")
    await bench.alarms.put_off(first, "the first", 60_000)
    record = (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline
    assert (record["pending_alarms"], record["alarm_error"]) == ("2", "the first")


async def test_deleted_pipeline(bench: Bench) -> None:
    """A deleted pipeline's alarms cannot be read from then on, and go with it, step by step."""
    pipeline = await fail_many(bench, 450)
    raised = await bench.raised(10)
    assert len(raised) == 10
    await bench.alarms.put_off(raised[1], "no route", 60_000)
    await bench.delete(pipeline)
    assert await bench.alarms.read(raised[0]) is None
    while (await bench.due(10)).more:  # on a slow machine the alarms are due again before
        bench.check()
    left = [key.partition("}:")[2] for key in bench.dump() if pipeline in key]
    assert left == [f"pipeline:{ACCOUNT}:{pipeline}"]
    assert not await bench.alarms.put_off(raised[0], "late", 0)
    assert sum(await bench.timers().counts(0)) == 0


@pytest.mark.measure
async def test_thousands_pending(bench: Bench) -> None:
    """Of five thousand alarms that nobody takes about a thousand are looked at in a second."""
    await fail_many(bench, 5000)
    while (run := await bench.due()).more:
        pass
    applied, begin = 0, run.now_ms
    while (run := await bench.due()).now_ms < begin + 5000:
        applied += run.applied
        await pass_time(0.01)
    assert 2000 < applied < 1500 * 5
    await bench.start(components(1))
    assert await bench.poll() is not None
