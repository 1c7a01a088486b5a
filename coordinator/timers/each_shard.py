"""The same work for every shard, each on its own: one that cannot be reached delays no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from coordinator.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from coordinator.service.shards import Shards

PERIOD = 0.2


async def for_each_shard(
    shards: Shards, work: Callable[[int], Coroutine[None, None, None]]
) -> None:
    """Run `work` for every shard, also for those to come, until canceled.

    `work` runs until it is canceled and lets no exception out.
    """
    started = 0
    async with asyncio.TaskGroup() as group:
        while True:
            for shard in range(started, _count(shards)):
                group.create_task(work(shard))
                started += 1
            await asyncio.sleep(PERIOD)


def _count(shards: Shards) -> int:
    try:
        return shards.count
    except UnavailableError:  # Redis has not been reached since the start
        return 0
