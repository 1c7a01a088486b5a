"""The loop that runs due work: one in each replica, for every shard."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from coordinator.errors import CoordinatorError

if TYPE_CHECKING:
    from coordinator.service.due import DueWork
    from coordinator.service.shards import Shards

log = logging.getLogger(__name__)
LONGEST_SLEEP = 0.2
LEAST_PAUSE = 0.01
MOST_BATCHES = 50


class DueLoop:
    """Sleeps until the next timer is due or a hint comes, and never longer than 200 ms."""

    def __init__(self, due: DueWork, shards: Shards) -> None:
        self._due = due
        self._shards = shards
        self._hinted = asyncio.Event()
        self._failing = False

    def hint(self) -> None:
        """Say that something may be due now; hints that come together count once."""
        self._hinted.set()

    async def run(self) -> None:
        """Run until canceled. Redis being away is logged once and outlived."""
        while True:
            self._hinted.clear()
            try:
                pause = await self.run_once()
            except CoordinatorError as error:
                pause = LONGEST_SLEEP
                self._note_failure(error)
            except Exception:
                pause = LONGEST_SLEEP
                log.exception("running due work failed")
            else:
                self._note_success()
            await self._sleep(pause)

    async def run_once(self) -> float:
        """Apply all that is due in every shard; return the seconds until more will be.

        Raises:
            CoordinatorError: Redis cannot answer now.
        """
        return min(await asyncio.gather(*map(self._run_shard, self._shards.all())))

    async def _run_shard(self, shard: int) -> float:
        for _ in range(MOST_BATCHES):
            run = await self._due.run(shard)
            if not run.more:
                break
        else:
            return 0.0  # the other shards have their turn first
        if run.next_due_ms < 0:
            return LONGEST_SLEEP
        # Due means past its time, so wake one millisecond later.
        return min(LONGEST_SLEEP, max(0.0, (run.next_due_ms + 1 - run.now_ms) / 1000))

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, LEAST_PAUSE))
        if seconds > LEAST_PAUSE:
            try:
                async with asyncio.timeout(seconds - LEAST_PAUSE):
                    await self._hinted.wait()
            except TimeoutError:
                return

    def _note_failure(self, error: CoordinatorError) -> None:
        if not self._failing:
            log.warning("due work waits: %s", error)
        self._failing = True

    def _note_success(self) -> None:
        if self._failing:
            log.info("due work runs again")
        self._failing = False
