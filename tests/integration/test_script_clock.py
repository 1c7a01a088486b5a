"""The shard's time after the server's clock has stepped back, and timers that cannot be applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waiting import eventually

if TYPE_CHECKING:
    from seeds import Bench

META = "coord:1:{0}:meta"
TIMERS = "coord:1:{0}:timers"


async def clock_ms(bench: Bench) -> int:
    """Return the server's clock."""
    seconds, micros = await bench.router.execute(META, "TIME")
    return int(seconds) * 1000 + int(micros) // 1000


async def step_back(bench: Bench, millis: int) -> int:
    """Make it look as if the clock had stepped back since the last run; return when that was."""
    ahead = await clock_ms(bench) + millis
    await bench.router.execute(META, "HSET", META, "last_run_ms", ahead)
    return ahead


async def slewing(bench: Bench) -> bool:
    """Say whether the shard's time is not the clock's."""
    return int(await bench.router.execute(META, "HGET", META, "ahead_ms")) > 0


async def test_leases_are_lost_while_the_clock_is_behind(bench: Bench) -> None:
    """After a step back by an hour a silent holder still loses its lease, not before its time."""
    await bench.start()
    ahead = await step_back(bench, 3_600_000)
    began = await clock_ms(bench)
    assert (await bench.due()).now_ms == ahead
    await bench.claim(ack_ms=100)

    async def lost() -> bool:
        return bool((await bench.due()).lost_unacknowledged)

    await eventually(lost)
    assert await clock_ms(bench) - began >= 200
    assert await slewing(bench)
    bench.check()


async def test_time_passes_at_half_speed_until_level(bench: Bench) -> None:
    """The shard's time gains on no clock, never goes back, and agrees with it in the end."""
    ahead = await step_back(bench, 300)
    seen, start = [(await bench.due()).now_ms], await clock_ms(bench)
    assert await slewing(bench)

    async def level() -> bool:
        seen.append((await bench.due()).now_ms)
        return not await slewing(bench)

    await eventually(level)
    assert seen[0] == ahead
    assert seen == sorted(seen)
    assert await clock_ms(bench) >= 2 * ahead - start - 1  # in whole ms
    assert (await bench.due()).now_ms - await clock_ms(bench) <= 0


async def test_a_second_step_back(bench: Bench) -> None:
    """A further step back while time slews goes on from the last run as well, and is told."""
    ahead = await step_back(bench, 60_000)
    assert (await bench.due()).clock_back_ms > 0
    before = await clock_ms(bench) + 10_000  # what the clock said at the last run
    last = ["last_run_ms", ahead, "ahead_ms", ahead - before]
    await bench.router.execute(META, "HSET", META, *last)
    run = await bench.due()
    assert 9000 < run.clock_back_ms <= 10_000
    assert run.now_ms == ahead
    assert (await bench.due()).clock_back_ms == 0


async def test_a_clock_that_is_set_right_again_carries_nothing_away(bench: Bench) -> None:
    """After back and right again the shard is no further ahead than between two runs."""
    right = await clock_ms(bench)
    back = ["last_run_ms", right, "ahead_ms", 8000]  # noted 8 s back; now it is right
    await bench.router.execute(META, "HSET", META, *back)
    run = await bench.due(outage_threshold=60)
    assert run.gap_ms == 0
    assert run.now_ms - await clock_ms(bench) <= 600
    await bench.router.execute(META, "HSET", META, "last_run_ms", right, "ahead_ms", 600_000)
    run = await bench.due()
    assert run.gap_ms >= 600_000, "what looks like a gap gives grace"
    assert run.now_ms - await clock_ms(bench) <= 600


async def test_an_outage_while_the_clock_is_behind(bench: Bench) -> None:
    """A gap counts by the clock: while time slews it is an outage as early as ever."""
    ahead = await step_back(bench, 3_600_000)
    await bench.due()
    behind = await clock_ms(bench) - 9000
    last = ["last_run_ms", ahead, "ahead_ms", ahead - behind]
    await bench.router.execute(META, "HSET", META, *last)
    run = await bench.due(outage_threshold=8)
    assert 9000 <= run.gap_ms < 60_000


async def test_a_timer_of_nobody_holds_nothing_up(bench: Bench) -> None:
    """A member of the timers that is none of ours is put off and told; all else is applied."""
    await bench.start()
    await bench.claim(ack_ms=1)
    await bench.router.execute(TIMERS, "ZADD", TIMERS, 1, "junk")
    runs = [await bench.due()]

    async def lost() -> bool:
        runs.append(await bench.due())
        return any(run.lost_unacknowledged for run in runs)

    await eventually(lost)
    assert (runs[0].broken, runs[0].applied) == (1, runs[0].lost_unacknowledged)
    assert runs[0].trouble == b"junk: no timer of ours"
    await bench.router.execute(TIMERS, "ZREM", TIMERS, "junk")


async def test_a_damaged_record_holds_nothing_up(bench: Bench) -> None:
    """What is due of a record that somebody has damaged is put off; all else is applied."""
    pipeline = await bench.start(2)
    damaged, sound = await bench.claim(ack_ms=1), await bench.claim(ack_ms=1)
    record = f"coord:1:{{0}}:instance:acct:{pipeline}:{damaged.n}"
    await bench.router.execute(record, "HSET", record, "renewed_ms", "yesterday")
    runs = [await bench.due()]

    async def both() -> bool:
        runs.append(await bench.due())
        return any(run.broken for run in runs) and any(run.lost_unacknowledged for run in runs)

    await eventually(both)
    assert f"lease:acct:{pipeline}:{damaged.n}:" in str(*(r.trouble for r in runs if r.broken))
    assert (await bench.claim()).n == sound.n
    due = await bench.router.execute(TIMERS, "ZSCORE", TIMERS, f"lease:acct:{pipeline}:{damaged.n}")
    assert 50_000 < int(due) - await clock_ms(bench) <= 60_000
    assert await bench.report(damaged) == "acknowledged", "a report sets it right again"
