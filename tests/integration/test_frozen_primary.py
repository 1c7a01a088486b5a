"""A cluster with one primary frozen: the other shards go on as if nothing had happened."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from fleet import Fleet, poll, polling, waiting
from waiting import eventually

from coordinator.service.shards import Shards
from coordinator.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from clusters import Cluster

pytestmark = pytest.mark.measure
MOMENT = 0.3


async def test_a_frozen_primary_delays_no_other_shard(new_cluster: Callable[..., Cluster]) -> None:
    """The due work of one shard never waits for the server of another."""
    server = new_cluster()
    async with Fleet(server) as fleet:
        replica = await fleet.replica()
        owners = [await replica.router.primary_of(keys.base(shard)) for shard in range(6)]
        frozen = next(node for node in server.servers if node.port == owners[0].port)
        alive = next(shard for shard in range(6) if owners[shard] != owners[0])
        await fleet.seed(1, group="lapsing", shard=alive)
        waiter = polling(replica, "lapsing")
        await fleet.finish(await waiter)
        await fleet.seed(1, group="lapsing", shard=alive)
        await fleet.claim("lapsing", shard=alive, ack_ms=1000)
        waiter = polling(replica, "lapsing")
        await waiting(replica, 1)
        frozen.pause()
        try:
            found = await asyncio.wait_for(waiter, 4)
        finally:
            frozen.resume()
        assert found is not None
        assert found.lag_ms <= 250


async def test_a_shard_that_cannot_answer_keeps_no_other_back(
    new_cluster: Callable[..., Cluster],
) -> None:
    """With one primary of three frozen, tasks of the other shards are handed out promptly."""
    server = new_cluster()
    async with Fleet(server) as fleet:
        replica = await fleet.replica(redis_timeout=1)
        owners = [await replica.router.primary_of(keys.base(shard)) for shard in range(6)]
        frozen = next(node for node in server.servers if node.port == owners[0].port)
        alive = next(shard for shard in range(6) if owners[shard] != owners[0])
        for shard in range(6):
            if owners[shard] != owners[0]:
                await fleet.seed(1, shard=shard)
        lost = await fleet.claim(shard=alive, ack_ms=2500)
        frozen.pause()
        try:
            await eventually(lambda: replica.coordinator.due.is_away(0))
            started = time.monotonic()
            count = sum(owner != owners[0] for owner in owners)
            handed = [await poll(replica) for _ in range(count - 1)]
            assert time.monotonic() - started < MOMENT
            again = await asyncio.wait_for(poll(replica, "g"), 4)
        finally:
            frozen.resume()
        assert again is not None
        assert again.n == lost.n
        assert len({task.pipeline_id for task in [*handed, again] if task}) == count


async def test_a_poll_passes_over_a_shard_that_does_not_answer(
    new_cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll that is the first to find a primary frozen goes on to the shards of the others."""
    server = new_cluster()
    async with Fleet(server) as fleet:
        replica = await fleet.replica(redis_timeout=1, loop=False, listener=False)
        owners = [await replica.router.primary_of(keys.base(shard)) for shard in range(6)]
        away = next(node for node in server.servers if node.port == owners[0].port)
        alive = next(shard for shard in range(6) if owners[shard] != owners[0])
        await fleet.seed(1, shard=alive)
        monkeypatch.setattr(Shards, "in_turn", lambda _: [0, alive])  # else it is by chance
        away.pause()
        try:
            task = await asyncio.wait_for(poll(replica), 10)
        finally:
            away.resume()
        assert task is not None
