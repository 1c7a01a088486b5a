"""PollForTask over the shards of a cluster: each has its share, and none waits long."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from fleet import Fleet, poll

from coordinator.domain.ids import shard_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from clusters import Cluster

    from coordinator.commands.replica import Replica

log = logging.getLogger(__name__)
SHARDS = 12
POLLERS = 8
ROUNDS = 20  # hand-outs for each shard


async def hand_out(replica: Replica, count: int) -> list[int]:
    """Let runners that poll side by side take so many tasks; return the shard of each."""
    order: list[int] = []

    async def runner() -> None:
        while len(order) < count:
            task = await poll(replica)
            assert task is not None
            order.append(shard_of(task.pipeline_id))

    await asyncio.gather(*(runner() for _ in range(POLLERS)))
    return order[:count]


def worst_wait(order: list[int], shard: int) -> int:
    """Return the most hand-outs from one of a shard to its next, or from the beginning or end."""
    places = [-1, *(place for place, found in enumerate(order) if found == shard), len(order)]
    return max(b - a for a, b in pairwise(places))


@pytest.mark.parametrize("busy", [range(SHARDS), (4, 5), (0, 1, 2, 7)], ids=["all", "two", "four"])
async def test_shards_with_tasks_get_equal_shares(
    new_cluster: Callable[..., Cluster], busy: tuple[int, ...]
) -> None:
    """Wherever tasks wait, no shard has less than half or more than double its share.

    None waits longer than three rounds of all shards, and two more for a node that answers late:
    runners go on with the others until all of them wait for it.
    """
    async with Fleet(new_cluster(), shards=SHARDS) as fleet:
        replica = await fleet.replica()
        for shard in busy:
            await fleet.seed(2 * ROUNDS * SHARDS // len(busy), shard=shard)
        order = await hand_out(replica, ROUNDS * SHARDS)
    share, counts = len(order) / len(busy), Counter(order)
    waits = {shard: worst_wait(order, shard) for shard in busy}
    log.info("hand-outs by shard: %s; longest waits: %s", sorted(counts.items()), waits)
    assert set(counts) == set(busy)
    assert min(counts.values()) >= share / 2, counts
    assert max(counts.values()) <= share * 2, counts
    assert max(waits.values()) <= 5 * SHARDS, waits
