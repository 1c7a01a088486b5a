"""Tasks given up because their runner was stopped: no try is used up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seeds import ACCOUNT, Bench, component
from waiting import eventually, pass_time

if TYPE_CHECKING:
    from coordinator.store.instances import Record
    from coordinator.store.tasks import Claimed

STOPPED = ("RunnerStopped", "the runner was stopped", "working")
MOST = 3


async def test_the_next_attempt_is_offered_at_once(bench: Bench) -> None:
    """Neither maximumRetries nor retryDelay matter, and what was reported goes with it."""
    pipeline = await bench.start([component(maximum_retries=0, retry_delay_ms=600_000)])
    first = await bench.claim()
    await bench.report(first, "done", b"7")
    assert await _give_up(bench, first) == "retried"
    bench.check()
    second = await bench.claim()
    assert (second.attempt, second.checkpoint) == (2, {"done": b"7"})
    assert second.token > first.token
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(first.instance_id, 1)])
    assert row is not None
    ended = row.attempt
    assert (ended["error_id"], ended["error_message"], ended["stack_trace"]) == STOPPED
    assert (ended["status"], ended["cause"]) == ("FAILED", "reported")
    assert await bench.finish(second, "FAILED") == "failed"


async def test_the_same_result_again_changes_nothing(bench: Bench) -> None:
    """It is no second loss, whoever has the task now."""
    await bench.start()
    first = await bench.claim()
    await _give_up(bench, first)
    before = bench.dump()
    assert await _give_up(bench, first) == "repeat"
    assert bench.dump() == before
    await bench.claim()
    assert await _give_up(bench, first) == "repeat"


async def test_too_often_in_a_row_fails(bench: Bench) -> None:
    """A task that ends its runners does not go round for ever, whatever its retries."""
    pipeline = await bench.start([component(maximum_retries=100)])
    outcomes = [await _give_up(bench, await bench.claim()) for _ in range(MOST)]
    assert outcomes == ["retried", "retried", "failed"]
    bench.check()
    record = await _record(bench, pipeline)
    assert (record["status"], record["error_id"]) == ("FAILED", "LeaseLostTooOften")
    assert record.get("tries", "0") == "0"


async def test_progress_starts_the_count_anew(bench: Bench) -> None:
    """A task that gets on each time may be given up any number of times."""
    await bench.start()
    for value in (b"1", b"2", b"3", b"4", b"5"):
        task = await bench.claim()
        await bench.report(task, "done", value)
        assert await _give_up(bench, task) == "retried"


async def test_the_next_hand_out_keeps_a_distance(bench: Bench) -> None:
    """It is so long after the one before, and twice as long the next time."""
    pipeline = await bench.start()
    waits = []
    for _ in range(2):
        task = await bench.claim()
        assert await bench.finish(task, "FAILED", STOPPED, MOST, 1000) == "retried"
        bench.check()
        record = await _record(bench, pipeline)
        assert record["state"] == "delayed"
        waits.append(int(record["retry_ms"]) - int(record["claimed_ms"]))
        await eventually(lambda: _is_ready(bench, pipeline))
    assert waits == [1000, 2000]


async def test_a_task_that_ran_for_longer_is_offered_at_once(bench: Bench) -> None:
    """The distance is from its hand-out, not from its end."""
    pipeline = await bench.start()
    task = await bench.claim()
    await pass_time(0.02)
    assert await bench.finish(task, "FAILED", STOPPED, MOST, 10) == "retried"
    assert await _is_ready(bench, pipeline)


async def test_a_canceled_task_stays_canceled(bench: Bench) -> None:
    """Whoever gives it up late offers nothing again."""
    pipeline = await bench.start()
    task = await bench.claim()
    await bench.cancel(pipeline, task.instance_id)
    assert await _give_up(bench, task) == "canceled"
    assert await bench.poll() is None


async def _give_up(bench: Bench, task: Claimed) -> str:
    """Report that the runner of a task was stopped."""
    return await bench.finish(task, "FAILED", STOPPED, MOST)


async def _is_ready(bench: Bench, pipeline: str) -> bool:
    await bench.due()
    return set((await bench.rows(pipeline)).values()) == {"ready"}


async def _record(bench: Bench, pipeline: str) -> Record:
    [instance] = await bench.ids(pipeline)
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(instance, 0)])
    assert row is not None
    return row.instance
