"""What wakes the loop that runs due work, each way alone, and that all of it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fleet import ACCOUNT, Fleet
from waiting import eventually, pass_time

from coordinator.timers import loop as due_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Server

    from coordinator.commands.replica import Replica

SOON = 10  # seconds: on a busy machine, and far less than the sleep of the tests of hints


@pytest.fixture
async def sleeper(single: Fleet, monkeypatch: pytest.MonkeyPatch) -> Replica:
    """A replica whose loop sleeps for a minute unless a hint wakes it."""
    monkeypatch.setattr(due_loop, "LONGEST_SLEEP", 60)
    return await single.replica()


async def test_an_expired_lease_wakes_the_loop(single: Fleet, sleeper: Replica) -> None:
    """Where nothing was due the loop hears that a lease has ended, and takes it."""
    await single.seed(1)
    await single.claim(ack_ms=100)
    metrics = sleeper.coordinator.metrics
    await eventually(lambda: metrics.lost["unacknowledged"] == 1, SOON)


async def test_an_empty_wake_wakes_the_loop(single: Fleet, sleeper: Replica) -> None:
    """Work that a script leaves for later, here the clean-up of a pipeline, is begun at once."""
    pipeline = await single.seed(1)
    await single._pipelines.delete(ACCOUNT, pipeline, "")
    await eventually(lambda: sleeper.coordinator.metrics.timers_applied > 0, SOON)


async def test_without_hints_the_loop_looks_by_itself(single: Fleet) -> None:
    """A lease that ends sooner than anything the loop knew of is found all the same."""
    replica = await single.replica(listener=False)
    await eventually(lambda: replica.coordinator.due._last)
    await single.seed(1)
    await single.claim(ack_ms=100)
    await eventually(lambda: replica.coordinator.metrics.lost["unacknowledged"] == 1, SOON)


async def test_without_hints_the_loop_outlives_an_outage(new_server: Callable[..., Server]) -> None:
    """After a call that failed the loop goes on by itself."""
    server = new_server("valkey")
    async with Fleet(server) as fleet:
        replica = await fleet.replica(listener=False, redis_timeout=1)
        await fleet.seed(1)
        await fleet.claim(ack_ms=2000)
        server.pause()
        await eventually(lambda: replica.coordinator.due.is_away(0), SOON)
        server.resume()
        await eventually(lambda: replica.coordinator.metrics.lost["unacknowledged"] == 1, SOON)


async def test_all_that_is_due_is_applied_batch_by_batch(single: Fleet) -> None:
    """Whoever runs due work goes on until nothing is due, however much that is."""
    replica = await single.replica(listener=False, loop=False)
    await single.seed(250)
    for _ in range(250):
        await single.claim(ack_ms=1)
    await pass_time(0.1)
    await replica.coordinator.due.run_all(0)
    assert replica.coordinator.metrics.lost["unacknowledged"] == 250
