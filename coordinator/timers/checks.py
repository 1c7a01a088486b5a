"""Once a second: look for work that waiting polls were not woken for, and for new shards."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from coordinator.errors import CoordinatorError

if TYPE_CHECKING:
    from coordinator.service.polls import Polls
    from coordinator.service.shards import Shards

log = logging.getLogger(__name__)
PERIOD = 1.0


async def check_waiting(polls: Polls, shards: Shards) -> None:
    """Run until canceled; while Redis is away there is nothing to find (the loop says so)."""
    while True:
        try:
            await shards.refresh()
            await polls.check_waiting()
        except CoordinatorError as error:
            log.debug("no look at waiting polls: %s", error)
        except Exception:
            log.exception("looking for work of waiting polls failed")
        await asyncio.sleep(PERIOD)
