"""Losing leases: unacknowledged, silent, over the attempt's time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from seeds import ACCOUNT, Bench, component
from waiting import eventually, pass_time

from coordinator.errors import LeaseLostError
from coordinator.service.spheres import attempt_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.store.instances import Record
    from coordinator.store.routing import Router
    from coordinator.store.tasks import Claimed
    from coordinator.store.timers import DueRun


async def test_unacknowledged_is_the_same_attempt_again(bench: Bench) -> None:
    """A task that nobody acknowledged is offered again at once: same attempt, new handle."""
    await bench.start([component(maximum_retries=0)])
    first = await bench.claim(ack_ms=5)
    run = await _lose(bench)
    assert (run.lost_unacknowledged, run.lost_silent, run.failed) == (1, 0, 0)
    second = await bench.claim()
    assert (second.n, second.attempt) == (first.n, first.attempt)
    assert second.claim != first.claim
    assert second.lag_ms >= 0


async def test_ten_times_unacknowledged_fails(bench: Bench) -> None:
    """The tenth hand-out in a row that nobody acknowledges fails the instance."""
    pipeline = await bench.start()
    for _ in range(9):
        await bench.claim(ack_ms=1)
        assert (await _lose(bench)).lost_unacknowledged == 1
    last = await bench.claim(ack_ms=1)
    run = await _lose(bench)
    assert (run.lost_unacknowledged, run.failed) == (1, 1)
    record = await _record(bench, pipeline)
    assert (record["status"], record["error_id"]) == ("FAILED", "AcknowledgementTimeout")
    assert await bench.report(last) == "superseded"


async def test_unacknowledged_attempt_is_shown_as_waiting(bench: Bench) -> None:
    """A lost hand-out does not end its attempt; its handle is known in the attempts that follow."""
    pipeline = await bench.start()
    lost = await bench.claim(ack_ms=1)
    await _lose(bench)
    assert await _attempt_status(bench, pipeline, 1) == "WAITING_FOR_RUNNER"
    task = await bench.claim()
    await bench.report(task)
    assert await _attempt_status(bench, pipeline, 1) == "RUNNING"
    await bench.finish(task, "FAILED")
    assert await _attempt_status(bench, pipeline, 1) == "FAILED"
    assert await _attempt_status(bench, pipeline, 2) is None
    await bench.claim()
    assert await bench.report(lost) == "superseded"
    with pytest.raises(LeaseLostError):
        await bench.finish(lost)


async def test_rerun_after_a_lost_hand_out(bench: Bench) -> None:
    """An attempt that had not ended is the one that runs again, so all that exist are shown."""
    pipeline = await bench.start()
    lost = await bench.claim(ack_ms=1)
    await _lose(bench)
    await bench.cancel(pipeline, lost.instance_id)
    await bench.rerun(pipeline, lost.instance_id)
    assert await _attempt_status(bench, pipeline, 1) == "WAITING_FOR_RUNNER"
    task = await bench.claim()
    assert task.attempt == 1
    assert await bench.report(lost) == "superseded"
    await bench.finish(task)
    assert await _attempt_status(bench, pipeline, 1) == "FINISHED"


async def test_lost_hand_outs_do_not_grow_the_record(bench: Bench) -> None:
    """The instance's record has the same fields however many hand-outs were lost."""
    pipeline = await bench.start([component(maximum_retries=9)])
    sizes = []
    for _ in range(3):
        for _ in range(2):
            await bench.claim(ack_ms=1)
            await _lose(bench)
        await bench.finish(await bench.claim(), "FAILED")
        sizes.append(len(await _record(bench, pipeline)))
    assert len(set(sizes)) == 1


async def test_acknowledging_resets_the_count(bench: Bench) -> None:
    """Only hand-outs in a row count: an acknowledged one in between starts anew."""
    pipeline = await bench.start([component(maximum_retries=5)])
    for _ in range(9):
        await bench.claim(ack_ms=1)
        await _lose(bench)
    task = await bench.claim()
    await bench.report(task)
    await bench.finish(task, "FAILED")
    await bench.claim(ack_ms=1)
    assert (await _lose(bench)).lost_unacknowledged == 1
    assert await bench.rows(pipeline) == {"Work": "ready"}


async def test_result_without_report_resets_the_count(bench: Bench) -> None:
    """A result acknowledges, too: the hand-outs of the next attempt are counted anew."""
    pipeline = await bench.start([component(maximum_retries=5)])
    for _ in range(9):
        await bench.claim(ack_ms=1)
        await _lose(bench)
    await bench.finish(await bench.claim(), "FAILED")
    await bench.claim(ack_ms=1)
    assert (await _lose(bench)).lost_unacknowledged == 1
    assert await bench.rows(pipeline) == {"Work": "ready"}


async def test_lag_is_of_the_first_hand_out_after_a_loss(bench: Bench) -> None:
    """Only the hand-out that follows a lost lease is measured against its deadline."""
    await bench.start()
    await bench.claim(ack_ms=1)
    await _lose(bench)
    task = await bench.claim()
    assert task.lag_ms >= 0
    await bench.finish(task, "FAILED")
    assert (await bench.claim()).lag_ms == -1


async def test_silent_is_the_next_attempt(bench: Bench) -> None:
    """A silent runner's attempt ends; the next is offered at once and costs no retry."""
    pipeline = await bench.start([component(maximum_retries=0, retry_delay_ms=600_000)])
    run = await _fall_silent(bench)
    assert (run.lost_silent, run.failed) == (1, 0)
    task = await bench.claim()
    assert task.attempt == 2
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(task.instance_id, 1)])
    assert row is not None
    assert (row.attempt["status"], row.attempt["error_id"]) == ("FAILED", "ProgressTimeout")
    assert await bench.finish(task, "FAILED") == "failed"


async def test_silent_too_often_fails(bench: Bench) -> None:
    """Five leases lost in a row fail the instance, whatever its retries."""
    pipeline = await bench.start([component(maximum_retries=100)])
    for _ in range(4):
        assert (await _fall_silent(bench)).lost_silent == 1
    run = await _fall_silent(bench)
    assert (run.lost_silent, run.failed) == (1, 1)
    record = await _record(bench, pipeline)
    assert (record["status"], record["error_id"]) == ("FAILED", "LeaseLostTooOften")


async def test_limit_of_lost_leases_is_a_setting(bench: Bench) -> None:
    """With one allowed loss the first is the last."""
    await bench.start()
    assert (await _fall_silent(bench, max_lost_leases=1)).failed == 1


async def test_changed_report_resets_the_count(bench: Bench) -> None:
    """A report that says something new starts the count of lost leases anew."""
    await bench.start()
    for value in (b"1", b"2", b"2", b"2", b"2"):
        assert (await _fall_silent(bench, "done", value)).lost_silent == 1
    assert (await _fall_silent(bench, "done", b"2")).failed == 1


async def test_reported_failure_resets_the_count(bench: Bench) -> None:
    """An attempt that ended with a result breaks the row of lost leases."""
    await bench.start([component(maximum_retries=9)])
    for _ in range(4):
        await _fall_silent(bench)
    await bench.finish(await bench.claim(), "FAILED")
    assert (await _fall_silent(bench)).lost_silent == 1


async def test_attempt_timeout_ends_an_attempt_that_reports(bench: Bench) -> None:
    """The attemptTimeout ends an attempt although it reports, and uses up a retry."""
    pipeline = await bench.start([component(attempt_timeout_ms=30, maximum_retries=1)])
    task = await bench.claim()

    async def timed_out() -> bool:
        assert await bench.report(task) in {"acknowledged", "accepted", "superseded"}
        return (await bench.due()).timed_out == 1

    await eventually(timed_out)
    assert await bench.report(task) == "superseded"
    with pytest.raises(LeaseLostError):
        await bench.finish(task)
    bench.check()
    second = await bench.claim()
    assert second.attempt == 2
    await bench.report(second)

    async def failed() -> bool:
        run = await bench.due()
        assert run.failed == run.timed_out
        return run.failed == 1

    await eventually(failed)
    record = await _record(bench, pipeline)
    assert (record["status"], record["error_id"]) == ("FAILED", "AttemptTimeout")


async def test_attempt_timeout_begins_with_each_hand_out(bench: Bench) -> None:
    """A hand-out that nobody acknowledged leaves no timeout behind for the next."""
    await bench.start([component(attempt_timeout_ms=600_000)])
    await bench.claim(ack_ms=1)
    await _lose(bench)
    bench.check()
    await bench.claim()


@pytest.mark.parametrize(("timeout_ms", "silence_ms"), [(20, 60), (60, 20)])
async def test_two_timers_of_a_task_in_one_batch(
    bench: Bench, timeout_ms: int, silence_ms: int
) -> None:
    """A deadline and a timeout that are due together end one attempt, and requeue it once."""
    await bench.start([component(attempt_timeout_ms=timeout_ms)])
    await bench.report(await bench.claim(), timeout_ms=silence_ms)
    await pass_time(0.1)
    run = await bench.due()
    assert (run.applied, run.lost_silent + run.timed_out, run.broken) == (2, 1, 0)
    assert (await bench.claim()).attempt == 2
    assert await bench.poll() is None


async def test_five_hundred_leases_and_three_routers(
    bench: Bench, new_router: Callable[..., Router]
) -> None:
    """Three replicas that run due work at once lose each of 500 leases exactly once."""
    for _ in range(5):
        await bench.start(100)
    benches = [bench, *(Bench(bench.server, new_router(bench.server.url)) for _ in range(2))]
    claimed: list[Claimed] = [await bench.claim(ack_ms=1) for _ in range(500)]
    lost = 0

    async def run(some: Bench) -> int:
        return (await some.due()).lost_unacknowledged

    async def all_lost() -> bool:
        nonlocal lost
        lost += sum(await asyncio.gather(*(run(benches[i % 3]) for i in range(9))))
        return (await bench.timers().counts(0)).leased == 0

    await eventually(all_lost)
    assert lost == len(claimed)
    assert (await bench.timers().counts(0)).ready == 500


async def _lose(bench: Bench, **settings: int) -> DueRun:
    """Run due work until it takes a lease; return that run."""
    runs: list[DueRun] = []

    async def taken() -> bool:
        runs.append(await bench.due(**settings))
        return runs[-1].lost_unacknowledged + runs[-1].lost_silent + runs[-1].failed > 0

    await eventually(taken)
    return runs[-1]


async def _fall_silent(bench: Bench, *fields: str | bytes, **settings: int) -> DueRun:
    """Claim, report once, and lose the lease."""
    await bench.report(await bench.claim(), *fields, timeout_ms=1)
    return await _lose(bench, **settings)


async def _attempt_status(bench: Bench, pipeline: str, number: int) -> str | None:
    """Return the status that the API shows of an attempt, or None if it shows no such attempt."""
    [instance] = await bench.ids(pipeline)
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(instance, number)])
    assert row is not None
    fields = attempt_fields(pipeline, row, number, ())
    return fields and next(field.string_value for field in fields if field.key == "@status")


async def _record(bench: Bench, pipeline: str) -> Record:
    [instance] = await bench.ids(pipeline)
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(instance, 0)])
    assert row is not None
    return row.instance
