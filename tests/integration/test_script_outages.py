"""Outage grace: a time without due work is no silence of the runners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seeds import ACCOUNT, Bench, component
from waiting import eventually

if TYPE_CHECKING:
    from coordinator.store.timers import DueRun

META = "coord:1:{0}:meta"
GAP_MS = 60_000
MOMENT_MS = 5000  # between two looks at the clock of one script, on a busy machine

STEADY_MS = 350  # and what is at most since the last run that was written down are no gap of 500


async def begin_outage(bench: Bench) -> None:
    """Make it look as if no due work was run for the last minute."""
    last = await _time(bench) - GAP_MS
    await bench.router.execute(META, "HSET", META, "last_run_ms", last)


async def runs_until(bench: Bench, done: Any, **settings: float) -> list[DueRun]:
    """Run due work until `done` is true of a run; return all runs."""
    runs: list[DueRun] = []

    async def once() -> bool:
        runs.append(await bench.due(**settings))
        return bool(done(runs[-1]))

    await eventually(once)
    return runs


async def pass_deadline(bench: Bench, millis: int) -> None:
    """Wait until a lease granted before this call for `millis` is past its deadline."""
    start = await _time(bench)

    async def past() -> bool:
        return await _time(bench) > start + millis

    await eventually(past)


async def test_first_run_is_no_outage(bench: Bench) -> None:
    """Where no due work was ever run, there was no gap."""
    await bench.start()
    await bench.claim(ack_ms=1)
    runs = await runs_until(bench, lambda run: run.lost_unacknowledged)
    assert not any(run.gap_ms or run.graced for run in runs)


async def test_short_pause_is_no_outage(bench: Bench) -> None:
    """A gap below the threshold takes overdue leases as ever."""
    await bench.start()
    await bench.claim(ack_ms=1)
    await begin_outage(bench)
    await pass_deadline(bench, 1)
    run = await bench.due(outage_threshold=GAP_MS / 1000 + 60)
    assert (run.gap_ms, run.graced, run.lost_unacknowledged) == (0, 0, 1)


async def test_every_lease_gets_its_grace_in_many_batches(bench: Bench) -> None:
    """After a gap all overdue leases are graced, in whichever batch they come up, and only once."""
    await bench.start([component(f"Work{i}", maximum_retries=0) for i in range(100)])
    tasks = [await bench.claim(ack_ms=1) for _ in range(100)]
    for task in tasks[:50]:
        await bench.report(task, timeout_ms=1)
    await begin_outage(bench)
    await pass_deadline(bench, 1)
    runs = [await bench.due(7) for _ in range(20)]
    assert runs[0].gap_ms >= GAP_MS
    assert not any(run.gap_ms for run in runs[1:])
    assert sum(run.graced for run in runs) == 100
    assert not any(run.lost_unacknowledged or run.lost_silent or run.failed for run in runs)
    bench.check()
    assert 0 <= runs[-1].next_due_ms - runs[0].now_ms - 120_000 < MOMENT_MS
    assert await bench.report(tasks[0]) == "accepted"
    assert await bench.report(tasks[99]) == "acknowledged"


async def test_lease_due_just_after_the_gap(bench: Bench) -> None:
    """A lease from before the gap that falls due a moment after it is graced, too."""
    await bench.start()
    await bench.claim(ack_ms=2000)
    await begin_outage(bench)
    assert (await bench.due()).gap_ms
    runs = await runs_until(bench, lambda run: run.graced or run.lost_unacknowledged)
    assert runs[-1].graced == 1


async def test_lease_from_after_the_gap_is_taken(bench: Bench) -> None:
    """A lease granted or renewed after the gap gets no grace."""
    await bench.start(2)
    renewed = await bench.claim()
    await begin_outage(bench)
    end = (await bench.due()).now_ms

    async def after() -> bool:
        return await _time(bench) > end

    await eventually(after)
    await bench.report(renewed, timeout_ms=1)
    await bench.claim(ack_ms=1)
    lost = [0, 0, 0]

    async def both() -> bool:
        run = await bench.due()
        lost[0] += run.lost_silent
        lost[1] += run.lost_unacknowledged
        lost[2] += run.graced
        return lost[:2] == [1, 1]

    await eventually(both)
    assert lost[2] == 0


async def test_still_silent_after_the_grace(bench: Bench) -> None:
    """A runner that does not report within the grace loses its lease then."""
    await bench.start()
    task = await bench.claim(ack_ms=1)
    await begin_outage(bench)
    await pass_deadline(bench, 1)
    [*_, graced] = await runs_until(bench, lambda run: run.graced, outage_grace=0.1)
    runs = await runs_until(bench, lambda run: run.lost_unacknowledged, outage_grace=0.1)
    assert runs[-1].now_ms > graced.now_ms + 90
    assert not any(run.graced for run in runs)
    assert await bench.report(task) == "superseded"


async def test_attempt_timeouts_and_retries_get_no_grace(bench: Bench) -> None:
    """After a gap attemptTimeout and retryDelay apply at once."""
    parts = [
        component("Timed", attempt_timeout_ms=1),
        component("Failed", retry_delay_ms=1),
    ]
    pipeline = await bench.start(parts)
    await bench.report(await bench.claim())
    await bench.finish(await bench.claim(), "FAILED")
    await begin_outage(bench)
    await pass_deadline(bench, 2)
    run = await bench.due()
    assert run.gap_ms
    assert (run.timed_out, run.graced) == (1, 0)
    assert await bench.rows(pipeline) == {"Timed": "ready", "Failed": "ready"}


async def test_second_outage_during_the_grace(bench: Bench) -> None:
    """A further gap while leases have their grace moves its end on."""
    await bench.start()
    await bench.claim(ack_ms=1)
    for _ in range(2):
        await begin_outage(bench)
        await pass_deadline(bench, 1)
        run = await bench.due(outage_grace=0.05)
        assert (run.gap_ms > 0, run.lost_unacknowledged) == (True, 0)
        await pass_deadline(bench, 60)
    runs = await runs_until(bench, lambda run: run.lost_unacknowledged, outage_grace=0.05)
    assert sum(run.graced for run in runs) <= 1


async def test_clock_that_stepped_back_is_told_once(bench: Bench) -> None:
    """With a last run in the future time goes on from there, and the step is told, once."""
    pipeline = await bench.start()
    run = await bench.due()
    ahead = run.now_ms + 60_000
    await bench.router.execute(META, "HSET", META, "last_run_ms", ahead)
    task = await bench.claim(ack_ms=60_000)
    run = await bench.due()
    assert run.now_ms == ahead
    assert 0 < run.clock_back_ms <= 60_000
    assert (await bench.due()).clock_back_ms == 0
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(task.instance_id, 0)])
    assert row is not None
    assert int(row.instance["deadline_ms"]) == ahead + 60_000


async def test_deadline_itself_is_in_time(bench: Bench) -> None:
    """A lease is taken after its deadline, not at it: then its key is past its time, too."""
    await bench.start()
    ahead = await _time(bench) + 60_000
    await bench.router.execute(META, "HSET", META, "last_run_ms", ahead)
    await bench.claim(ack_ms=1)
    ahead += 1
    await bench.router.execute(META, "HSET", META, "last_run_ms", ahead)
    run = await bench.due()
    assert (run.now_ms, run.next_due_ms, run.applied) == (ahead, ahead, 0)
    await bench.router.execute(META, "HSET", META, "last_run_ms", ahead + 1)
    assert (await bench.due()).lost_unacknowledged == 1


async def _time(bench: Bench) -> int:
    seconds, micros = await bench.router.execute(META, "TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def test_small_threshold_is_no_outage_by_itself(bench: Bench) -> None:
    """Runs that follow each other faster than a small threshold find no gap."""
    first = last = (await bench.due(outage_threshold=0.5)).now_ms

    async def steadily() -> bool:
        nonlocal first, last
        run = await bench.due(outage_threshold=0.5)
        held_up = run.now_ms - last >= STEADY_MS  # it was this machine: begin again
        assert held_up or not run.gap_ms
        first, last = run.now_ms if held_up else first, run.now_ms
        return last > first + 1100

    await eventually(steadily, 30)
