"""Keyspace events and wake-ups in a cluster come from every primary."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fleet import Fleet
from waiting import eventually

from coordinator.store import keys
from coordinator.timers.listener import Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from clusters import Cluster

SHARDS = 12
ALL = set(range(SHARDS))


class Heard:
    """A replica whose listener works and whose loop does not; what it hears, by shard."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.hints: list[int] = []
        self.woken: list[int | None] = []

    async def start(self) -> None:
        """Listen, until the test ends."""
        replica = await self.fleet.replica(listener=False, loop=False)
        parts = replica.coordinator
        wake = parts.polls.waiters.wake

        def note(group: tuple[str, str], most: int, shard: int | None = None) -> None:
            self.woken.append(shard)
            wake(group, most, shard)

        parts.polls.waiters.wake = note  # type: ignore[method-assign]
        self.metrics = parts.metrics
        listener = Listener(
            replica.router, parts.shards, parts.polls, self.hints.append, parts.metrics
        )
        self.task = asyncio.create_task(listener.run())
        await eventually(lambda: set(self.hints) == ALL)  # every subscription says so
        self.hints.clear()


@pytest.fixture(params=["valkey", "redis7"])
async def heard(
    request: pytest.FixtureRequest, new_cluster: Callable[..., Cluster]
) -> AsyncIterator[Heard]:
    """A listening replica on a cluster with 12 shards."""
    async with Fleet(new_cluster(request.param), shards=SHARDS) as fleet:
        heard = Heard(fleet)
        await heard.start()
        yield heard
        heard.task.cancel()
        await asyncio.wait([heard.task])


async def test_every_primary_tells_of_lapsed_leases(heard: Heard) -> None:
    """Leases that lapse in each shard hint at it, though nobody runs due work or reads them."""
    fleet = heard.fleet
    primaries = {(await fleet._router.primary_of(keys.base(shard))).port for shard in ALL}
    assert primaries == {server.port for server in fleet.nodes}
    assert len(primaries) == 3
    for shard in ALL:
        await fleet.seed(1, shard=shard)
    for shard in ALL:
        await fleet.claim(shard=shard, ack_ms=100)
    heard.hints.clear()
    await eventually(lambda: set(heard.hints) == ALL, 30)
    assert heard.metrics.expired_events == SHARDS


async def test_every_primary_tells_of_new_tasks(heard: Heard) -> None:
    """A task that becomes ready wakes who waits for its group, and says in which shard."""
    for shard in ALL:
        await heard.fleet.seed(1, shard=shard)
    await eventually(lambda: sorted(s for s in heard.woken if s is not None) == sorted(ALL))
    assert heard.metrics.wakes == SHARDS
