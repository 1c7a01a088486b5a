"""Preconditions in the store: asked again until satisfied, or until their time is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cascades import cascading
from schedules import HOUR, every, hours_ago, intervals, on
from seeds import ACCOUNT, Bench, component, components
from waiting import eventually, pass_time

from coordinator.errors import InvalidRequestError, LeaseLostError

FALSE, FAILED = "FALSE", "FAILED"
CHECK: dict[str, Any] = {"precondition": True, "cascade": True, "retry_delay_ms": 1000}
NOT_YET = ("NotYet", "no such file", "")


def guarded(**more: object) -> list[object]:
    """Make an activity and its precondition."""
    return [
        component("Ready", **{**CHECK, **more}),
        component("Work", needs=[0], checks=(0,), maximum_retries=0),
        component("Next", needs=[1]),
    ]


async def delayed_ms(bench: Bench, pipeline: str) -> int:
    """Return how long the precondition still waits."""
    record = await record_of(bench, pipeline, 0)
    with bench.server.primaries()[0].client() as client:
        seconds, micros = client.time()
    return int(record["retry_ms"]) - seconds * 1000 - micros // 1000


async def record_of(bench: Bench, pipeline: str, place: int) -> dict[str, str]:
    """Return the record of the pipeline's first, second, … instance."""
    name = (await bench.ids(pipeline))[place]
    [stored] = await bench.pipelines.instances(ACCOUNT, pipeline, [(name, 0)])
    assert stored is not None
    return stored.instance


async def next_check(bench: Bench) -> object:
    """Wait for the precondition to be offered again, and claim it."""

    async def offered() -> object:
        await bench.settle()
        return await bench.poll()

    return await eventually(offered, 20)


async def test_it_is_asked_again(bench: Bench) -> None:
    """After FALSE the same attempt is offered again, as often as it takes; then its activity is."""
    pipeline = await bench.start(guarded(precondition_timeout_ms=600_000))
    handles, ends = set(), set()
    for number in (1, 2):
        task = await next_check(bench)
        assert (task.component, task.attempt) == ("Ready", 1)
        handles.add(task.claim)
        await bench.report(task)
        assert await bench.finish(task, FALSE, NOT_YET) == "unsatisfied"
        bench.check()
        record = await record_of(bench, pipeline, 0)
        assert (record["checks_made"], record["said"]) == (str(number), "no such file")
        assert record["tries"] == "0", "no retry is used up"
        ends.add(record["expires_ms"])
        assert 0 < await delayed_ms(bench, pipeline) <= 1000
    task = await next_check(bench)
    assert await bench.finish(task) == "finished"
    assert len(handles | {task.claim}) == 3
    assert len(ends) == 1, "its time goes on"
    assert (await bench.claim()).component == "Work"


async def test_a_repeat(bench: Bench) -> None:
    """The same answer again changes nothing, and another is refused."""
    await bench.start(guarded())
    task = await bench.claim()
    await bench.finish(task, FALSE, NOT_YET)
    before = bench.dump()
    assert await bench.finish(task, FALSE, NOT_YET) == "repeat"
    assert await bench.report(task) == "repeat"
    with pytest.raises(InvalidRequestError, match="is FALSE already"):
        await bench.finish(task)
    assert bench.dump() == before
    other = await next_check(bench)
    with pytest.raises(InvalidRequestError, match="is FALSE already"):
        await bench.finish(task)
    assert await bench.report(other) == "acknowledged"


async def test_the_least_delay(bench: Bench) -> None:
    """However short the retryDelay, a second goes by before it is asked again."""
    pipeline = await bench.start(guarded(retry_delay_ms=0))
    await bench.finish(await bench.claim(), FALSE)
    assert 0 < await delayed_ms(bench, pipeline) <= 1000


async def test_a_long_answer(bench: Bench) -> None:
    """Of what a check says a thousand bytes are kept, without half a character."""
    pipeline = await bench.start(guarded())
    await bench.finish(await bench.claim(), FALSE, ("", "a" + "é" * 500, ""))
    assert (await record_of(bench, pipeline, 0))["said"] == "a" + "é" * 499


async def test_an_activity_cannot_answer_false(bench: Bench) -> None:
    """FALSE is for preconditions."""
    await bench.start([component()])
    task = await bench.claim()
    with pytest.raises(InvalidRequestError, match="is for preconditions"):
        await bench.finish(task, FALSE)
    assert await bench.finish(task) == "finished"


async def test_its_time_is_over(bench: Bench) -> None:
    """Not satisfied in time it has failed, and its activity with it; not what waits for that."""
    pipeline = await bench.start(guarded(precondition_timeout_ms=1500, retry_delay_ms=600_000))
    await bench.finish(await bench.claim(), FALSE, NOT_YET)

    async def over() -> bool:
        await bench.settle()
        return (await bench.rows(pipeline))["Ready"] == FAILED

    await eventually(over, 20)
    assert await bench.rows(pipeline) == {
        "Ready": FAILED,
        "Work": "CASCADE_FAILED",
        "Next": "blocked",
    }
    record = await record_of(bench, pipeline, 0)
    assert record["error_id"] == "PreconditionTimeout"
    assert record["error_message"].endswith("no such file")


async def test_its_time_is_over_while_it_is_checked(bench: Bench) -> None:
    """The holder of a check whose time is over is told to stop, and has no say any more."""
    pipeline = await bench.start(guarded(precondition_timeout_ms=500))
    task = await bench.claim()
    await bench.report(task)
    await pass_time(0.6)
    await bench.settle()
    assert (await bench.rows(pipeline))["Ready"] == FAILED
    assert await bench.report(task) == "canceled"
    assert await bench.finish(task) == "canceled"


async def test_the_time_begins_with_the_first_check(bench: Bench) -> None:
    """What the precondition itself waits for does not use up its time; a rerun has all of it."""
    parts = [component("Before"), *guarded(precondition_timeout_ms=600_000)]
    parts[1] = component(
        "Ready", needs=[0], precondition=True, cascade=True, precondition_timeout_ms=600_000
    )
    parts[2] = component("Work", needs=[0, 1], checks=(1,))
    parts[3] = component("Next", needs=[2])
    pipeline = await bench.start(parts)
    assert "expires_ms" not in await record_of(bench, pipeline, 1)
    await bench.finish(await bench.claim())
    first = int((await record_of(bench, pipeline, 1))["expires_ms"])
    ready = (await bench.ids(pipeline))[1]
    await bench.finish(await bench.claim())
    await pass_time(0.01)
    await bench.rerun(pipeline, ready)
    bench.check()
    assert int((await record_of(bench, pipeline, 1))["expires_ms"]) > first


async def test_it_fails(bench: Bench) -> None:
    """A check that cannot be made fails; a rerun of the activity makes it again."""
    pipeline = await bench.start(guarded(maximum_retries=0))
    await bench.finish(await bench.claim(), FAILED, ("AccessDenied", "", ""))
    await bench.settle()
    assert await bench.tally(pipeline) == {FAILED: 1, "CASCADE_FAILED": 1, "blocked": 1}
    ready, work, _ = await bench.ids(pipeline)
    assert await bench.rerun(pipeline, work) == 2
    await bench.settle()
    assert (await bench.claim()).instance_id == ready


async def test_one_of_two_fails(bench: Bench) -> None:
    """The other one is not checked any more, and a rerun makes both checks."""
    checks = [component(f"Ready{i}", **CHECK, maximum_retries=0) for i in range(2)]
    pipeline = await bench.start([*checks, component("Work", needs=[0, 1], checks=(0, 1))])
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    assert await bench.tally(pipeline) == {FAILED: 1, "CASCADE_FAILED": 1, "CANCELED": 1}
    assert await bench.rerun(pipeline, (await bench.ids(pipeline))[2]) == 3
    await bench.settle()
    assert await bench.tally(pipeline) == {"ready": 2, "blocked": 1}


async def test_it_comes_back_with_its_activity(bench: Bench) -> None:
    """Ended because its activity had failed with another one, it is run again with that."""
    parts = [cascading("First"), cascading("Work", [0, 2]), component("Ready", needs=[0], **CHECK)]
    parts[1] = replace(parts[1], checks=(2,))
    pipeline = await bench.start(parts)
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    assert await bench.tally(pipeline) == {FAILED: 1, "CASCADE_FAILED": 1, "CANCELED": 1}
    await bench.rerun(pipeline, (await bench.ids(pipeline))[0])
    for name in ("First", "Ready", "Work"):
        await bench.settle()
        task = await bench.claim()
        assert task.component == name
        await bench.finish(task)


async def test_a_rerun_before_the_cursor_has_come(bench: Bench) -> None:
    """An activity is run again with its check, which the deactivation has yet to cancel."""
    parts = [*components(100), component("Ready", **CHECK)]
    pipeline = await bench.start([*parts, component("Work", needs=[100], checks=(100,))])
    await bench.deactivate(pipeline)
    assert await bench.rerun(pipeline, (await bench.ids(pipeline))[101]) == 2
    bench.check()
    await bench.settle()
    assert await bench.tally(pipeline) == {"CANCELED": 100, "ready": 1, "blocked": 1}


async def test_what_is_satisfied_stays_so(bench: Bench) -> None:
    """A rerun of an activity that has failed by itself does not ask its preconditions again."""
    pipeline = await bench.start(guarded())
    await bench.finish(await bench.claim())
    await bench.finish(await bench.claim(), FAILED)
    assert await bench.rerun(pipeline, (await bench.ids(pipeline))[1]) == 1
    assert (await bench.claim()).component == "Work"


@pytest.mark.parametrize(("word", "status"), [("cancel", "CANCELED"), ("mark", "FINISHED")])
async def test_it_is_named_with_its_activity(bench: Bench, word: str, status: str) -> None:
    """A list may have both, in any order; each of them ends once."""
    pipeline = await bench.start(
        [component("Work", needs=[1], checks=(1,)), component("Ready", **CHECK)]
    )
    work, ready = await bench.ids(pipeline)
    assert await getattr(bench, word)(pipeline, work, ready) == 2
    bench.check()
    assert await bench.tally(pipeline) == {status: 2}


async def test_its_activity_ends_without_it(bench: Bench) -> None:
    """Canceled or marked finished, an activity takes its unsatisfied preconditions with it."""
    for word in (bench.cancel, bench.mark):
        pipeline = await bench.start(guarded())
        task = await bench.claim()
        _, work, _ = await bench.ids(pipeline)
        await word(pipeline, work)
        await bench.settle()
        assert (await bench.rows(pipeline))["Ready"] == "CANCELED"
        assert await bench.report(task) == "canceled"
        health = await bench.pipelines.health(ACCOUNT, pipeline, ["Ready"])
        assert health == [None], "it says nothing of the precondition"
        await bench.delete(pipeline)
        await bench.settle()


async def test_a_check_whose_lease_is_lost(bench: Bench) -> None:
    """A silent checker loses the lease, as any other, and what it says then is refused."""
    await bench.start(guarded())
    task = await bench.claim()
    await bench.report(task, timeout_ms=10)
    await pass_time(0.05)
    await bench.settle()
    with pytest.raises(LeaseLostError):
        await bench.finish(task, FALSE)
    assert (await bench.claim()).attempt == 2


async def test_of_an_interval(bench: Bench) -> None:
    """Each interval has its own preconditions, and waits in the window for them."""
    start = hours_ago(9.5)
    parts = [
        on(work="Ready", precondition=True, cascade=True, retry_delay_ms=600_000),
        on(work="Work", needs=[0], checks=(0,)),
    ]
    pipeline = await bench.schedule(parts, every(HOUR, start_ms=start, count=2, window=2))
    ids = [(await bench.claim()).instance_id for _ in range(2)]
    assert ids == intervals("Ready", start, 0, 1)
    assert await bench.poll() is None
    assert len(await bench.ids(pipeline)) == 4
