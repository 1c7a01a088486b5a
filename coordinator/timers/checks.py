"""Once a second: what polls may have missed, and what is told of them.

Looks for work that waiting polls were not woken for, and for new shards; tells who has polled.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from coordinator.errors import CoordinatorError
from coordinator.timers.each_shard import for_each_shard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coordinator.service.polls import Polls
    from coordinator.service.shards import Shards
    from coordinator.service.sightings import Sightings

log = logging.getLogger(__name__)
PERIOD = 0.9  # what is found then is handed out within the second that is promised


async def check_waiting(polls: Polls, sightings: Sightings, shards: Shards) -> None:
    """Run until canceled; while Redis is away there is nothing to find (the loop says so)."""

    async def look(shard: int) -> None:
        await _repeat(lambda: polls.check_waiting(shard))

    async with asyncio.TaskGroup() as group:
        group.create_task(_repeat(shards.refresh))
        group.create_task(_repeat(sightings.tell))
        group.create_task(for_each_shard(shards, look))


async def _repeat(look: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await look()
        except CoordinatorError as error:
            log.debug("nothing to be seen now: %s", error)
        except Exception:
            log.exception("looking for work of waiting polls failed")
        await asyncio.sleep(PERIOD)
