"""The loop that runs due work: one in each replica, for every shard."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from coordinator.errors import CoordinatorError
from coordinator.timers.each_shard import for_each_shard

if TYPE_CHECKING:
    from coordinator.service.due import DueWork
    from coordinator.service.shards import Shards

log = logging.getLogger(__name__)
LONGEST_SLEEP = 0.2
LEAST_PAUSE = 0.01


class DueLoop:
    """Sleeps until the next timer is due or a hint comes, and never longer than 200 ms."""

    def __init__(self, due: DueWork, shards: Shards) -> None:
        self._due = due
        self._shards = shards
        self._hinted: dict[int, asyncio.Event] = {}
        self._failing: set[int] = set()

    def hint(self, shard: int) -> None:
        """Say that something may be due now; hints that come together count once."""
        if shard in self._hinted:
            self._hinted[shard].set()

    async def run(self) -> None:
        """Run until canceled. Redis being away is logged once and outlived."""
        await for_each_shard(self._shards, self._run_shard)

    async def run_once(self, shard: int) -> float:
        """Apply all that is due in a shard; return the seconds until more will be.

        Raises:
            CoordinatorError: Redis cannot answer now.
        """
        run = await self._due.run_all(shard)
        if run.next_due_ms < 0:
            return LONGEST_SLEEP
        # Due means past its time, so wake one millisecond later.
        return min(LONGEST_SLEEP, (run.next_due_ms + 1 - run.now_ms) / 1000)

    async def _run_shard(self, shard: int) -> None:
        hinted = self._hinted.setdefault(shard, asyncio.Event())
        while True:
            hinted.clear()
            await _pause(await self._try(shard), hinted)

    async def _try(self, shard: int) -> float:
        try:
            seconds = await self.run_once(shard)
        except Exception as error:  # noqa: BLE001 - whatever it is, due work must go on
            self._note_failure(shard, error)
            return LONGEST_SLEEP
        self._note_success(shard)
        return seconds

    def _note_failure(self, shard: int, error: Exception) -> None:
        if not self._failing:
            trace = None if isinstance(error, CoordinatorError) else error
            log.warning("due work of shard %d waits: %s", shard, error, exc_info=trace)
        self._failing.add(shard)

    def _note_success(self, shard: int) -> None:
        if shard in self._failing:
            self._failing.remove(shard)
            if not self._failing:
                log.info("due work runs again")


async def _pause(seconds: float, hinted: asyncio.Event) -> None:
    """Sleep, not less than `LEAST_PAUSE`, and cut it short at a hint."""
    await asyncio.sleep(LEAST_PAUSE)
    if seconds <= LEAST_PAUSE:
        return
    try:
        async with asyncio.timeout(seconds - LEAST_PAUSE):
            await hinted.wait()
    except TimeoutError:
        return
