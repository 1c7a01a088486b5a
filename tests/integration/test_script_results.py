"""Results: FINISHED, FAILED with retries, repeats, and those that come too late."""

from __future__ import annotations

import pytest
from seeds import ACCOUNT, Bench, component
from waiting import eventually

from coordinator.errors import (
    InvalidRequestError,
    LeaseLostError,
    PipelineDeletedError,
    PipelineNotFoundError,
)

ERROR = ("E1", "it broke", "line 1")


async def test_finished(bench: Bench) -> None:
    """FINISHED ends the instance, also without any report before."""
    pipeline = await bench.start()
    task = await bench.claim()
    assert await bench.finish(task) == "finished"
    assert await bench.rows(pipeline) == {"Work0": "FINISHED"}
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(task.instance_id, 1)])
    assert row is not None
    assert (row.attempt["status"], row.attempt["cause"]) == ("FINISHED", "reported")
    assert row.attempt["acked_ms"]


async def test_failed_is_retried_after_its_delay(bench: Bench) -> None:
    """FAILED waits for retryDelay and is then ready as the next attempt."""
    pipeline = await bench.start([component(retry_delay_ms=50)])
    task = await bench.claim()
    assert await bench.finish(task, "FAILED", ERROR) == "retried"
    assert await bench.rows(pipeline) == {"Work": "delayed"}
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(task.instance_id, 1)])
    assert row is not None
    ended = row.attempt
    assert (ended["error_id"], ended["error_message"], ended["stack_trace"]) == ERROR
    assert int(row.instance["retry_ms"]) - int(ended["ended_ms"]) == 50
    bench.check()

    async def ready() -> bool:
        await bench.due()
        return await bench.rows(pipeline) == {"Work": "ready"}

    await eventually(ready)
    assert (await bench.claim()).attempt == 2


@pytest.mark.parametrize("status", ["FINISHED", "FAILED"])
async def test_a_result_ends_deadline_and_timeout(bench: Bench, status: str) -> None:
    """No timer of an attempt that has ended is left."""
    await bench.start([component(attempt_timeout_ms=600_000)])
    await bench.finish(await bench.claim(), status)
    assert (await bench.timers().counts(0)).timers == 0


async def test_retries_are_used_up(bench: Bench) -> None:
    """After maximumRetries retries the instance is FAILED, with the error of the last attempt."""
    pipeline = await bench.start([component(maximum_retries=2)])
    outcomes = [await bench.finish(await bench.claim(), "FAILED", ERROR) for _ in range(3)]
    assert outcomes == ["retried", "retried", "failed"]
    [instance] = await bench.ids(pipeline)
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(instance, 0)])
    assert row is not None
    assert (row.instance["status"], row.instance["error_id"]) == ("FAILED", "E1")
    assert row.instance["attempt"] == "3"
    assert await bench.poll() is None


@pytest.mark.parametrize("status", ["FINISHED", "FAILED"])
async def test_same_status_again(bench: Bench, status: str) -> None:
    """The same status of the same handle again is a repeat and changes nothing."""
    await bench.start([component(maximum_retries=0)])
    task = await bench.claim()
    await bench.finish(task, status, ERROR)
    before = bench.dump()
    assert await bench.finish(task, status, ERROR) == "repeat"
    assert bench.dump() == before


async def test_same_status_again_during_the_next_attempt(bench: Bench) -> None:
    """A repeated FAILED does not end the attempt that came after it."""
    await bench.start()
    task = await bench.claim()
    await bench.finish(task, "FAILED")
    following = await bench.claim()
    before = bench.dump()
    assert await bench.finish(task, "FAILED") == "repeat"
    assert bench.dump() == before
    assert await bench.finish(following) == "finished"


@pytest.mark.parametrize(("first", "second"), [("FINISHED", "FAILED"), ("FAILED", "FINISHED")])
async def test_another_status_is_refused(bench: Bench, first: str, second: str) -> None:
    """Another status than the recorded one is refused and changes nothing."""
    await bench.start()
    task = await bench.claim()
    await bench.finish(task, first)
    before = bench.dump()
    with pytest.raises(InvalidRequestError, match=f"is {first} already"):
        await bench.finish(task, second)
    assert bench.dump() == before


async def test_false_is_refused(bench: Bench) -> None:
    """FALSE is for preconditions; for an activity it is refused and the lease stays."""
    await bench.start()
    task = await bench.claim()
    before = bench.dump()
    with pytest.raises(InvalidRequestError, match="'Work0' is an activity"):
        await bench.finish(task, "FALSE")
    assert bench.dump() == before
    assert await bench.report(task) == "acknowledged"


async def test_superseded_says_when_and_who(bench: Bench) -> None:
    """A result of a handle that was superseded says since when, and who holds the task now."""
    await bench.start()
    task = await bench.claim()
    await bench.report(task, timeout_ms=1)

    async def lost() -> bool:
        return (await bench.due()).lost_silent == 1

    await eventually(lost)
    before = bench.dump()
    with pytest.raises(LeaseLostError, match=r"lost at 20\d\d-.*; nobody holds it now"):
        await bench.finish(task)
    assert bench.dump() == before
    following = await bench.claim()
    before = bench.dump()
    with pytest.raises(LeaseLostError, match=r"lost at 20\d\d-.*; it is now held by 'host'"):
        await bench.finish(task)
    assert bench.dump() == before
    assert await bench.finish(following) == "finished"


async def test_superseded_by_a_holder_without_a_name(bench: Bench) -> None:
    """A task whose holder gave no hostname is not said to be held by nobody."""
    await bench.start()
    task = await bench.claim()
    await bench.give_back(task)
    assert await bench.poll(call=bench.call()._replace(hostname="")) is not None
    before = bench.dump()
    with pytest.raises(
        LeaseLostError, match=r"lost at 20\d\d-.*; it is now held by another runner"
    ):
        await bench.finish(task)
    assert bench.dump() == before


async def test_result_for_a_deleted_pipeline(bench: Bench) -> None:
    """A result for a deleted pipeline is refused, before and after its clean-up."""
    pipeline = await bench.start()
    task = await bench.claim()
    await bench.delete(pipeline)
    for _ in range(2):
        before = bench.dump()
        with pytest.raises(PipelineDeletedError):
            await bench.finish(task)
        assert bench.dump() == before
        await bench.settle()


async def test_result_for_no_pipeline(bench: Bench) -> None:
    """A result for a pipeline that is not there is refused."""
    pipeline = await bench.start()
    task = (await bench.claim())._replace(pipeline_id=pipeline[:-4] + "AAAA")
    before = bench.dump()
    with pytest.raises(PipelineNotFoundError):
        await bench.finish(task)
    assert bench.dump() == before
