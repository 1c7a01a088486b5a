"""What schedules cost: nothing to speak of while none is due, and a bounded step where many are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from schedules import HOUR, every, hours_ago, now_ms, on
from test_script_costs import single, spent

if TYPE_CHECKING:
    import redis
    from seeds import Bench

    from coordinator.domain.schedules import Schedule

__all__ = ["single"]
pytestmark = [pytest.mark.measure, pytest.mark.timeout(180)]
RUNS, BATCHES = 50, 5
MANY, AT_ONCE = 10_000, 50
DUE = 1000


async def activate(bench: Bench, count: int, schedule: Schedule) -> None:
    """Activate so many pipelines with a schedule."""
    for _ in range(0, count, AT_ONCE):
        await asyncio.gather(*(_one(bench, schedule) for _ in range(min(count, AT_ONCE))))


async def _one(bench: Bench, schedule: Schedule) -> None:
    pipeline = await bench.create()
    version = await bench.stage(pipeline, [on()], 0, [schedule])
    await bench.activate(pipeline, version)


async def cost_of_a_run(bench: Bench, client: redis.Redis) -> float:
    """Return the microseconds of a run of due work that finds none, the best of a few rounds."""
    costs = []
    for _ in range(BATCHES):
        before, calls = spent(client)
        for _ in range(RUNS):
            assert (await bench.due()).applied == 0
        after, more = spent(client)
        assert more - calls == RUNS
        costs.append((after - before) / RUNS)
    return min(costs)


async def test_ten_thousand_idle_schedules(
    single: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of due work costs about as much with 10,000 schedules to come as with one."""
    schedule = every(HOUR, start_ms=now_ms() + HOUR * 1000)
    costs = []
    with single.server.client() as client:
        for count in (1, MANY):
            await activate(single, count, schedule)
            await single.settle()
            costs.append(await cost_of_a_run(single, client))
    with capsys.disabled():
        one, many = costs
        print(f"\ndue work, none due: {one:.0f} µs of 1 schedule, {many:.0f} µs of {MANY:,}")  # noqa: T201 - a measurement
    assert costs[1] <= 4 * costs[0], "it must not grow with their number"


async def test_many_that_are_due(single: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand ticks at once are applied in steps, each about as long as any other."""
    await activate(single, DUE, every(HOUR, start_ms=hours_ago(0.1)))
    steps: list[float] = []
    with single.server.client() as client:
        more = 1
        while more:
            before, _ = spent(client)
            more = (await single.due()).more
            steps.append((spent(client)[0] - before) / 1000)
    assert (await single.timers().counts(0)).ready == DUE
    with capsys.disabled():
        told = f"{sum(steps):.0f} ms in {len(steps)} steps, the longest {max(steps):.1f} ms"
        print(f"\n{DUE:,} ticks: {told}")  # noqa: T201 - a measurement
    assert len(steps) >= DUE / 100
    assert max(steps) < 5 * (sum(steps) / len(steps))
