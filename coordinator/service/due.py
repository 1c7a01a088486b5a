"""Running due work, and counting what it did.

The loop of ``timers`` and every poll come through here.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from coordinator.errors import UnavailableError, UnknownOutcomeError

if TYPE_CHECKING:
    from coordinator.metrics import Metrics
    from coordinator.service.alarms import AlarmService
    from coordinator.store.timers import DueRun, Timers

log = logging.getLogger(__name__)
LEAST_PAUSE = 0.01
POLL_LIMIT = 10
NO_ALARMS = -1
CLOCK_STEP_MS = 1000


class DueWork:
    """Due work of every shard, run at most once in 10 ms for hints and polls."""

    def __init__(self, timers: Timers, alarms: AlarmService, metrics: Metrics) -> None:
        self._timers = timers
        self._alarms = alarms
        self._metrics = metrics
        self._last: dict[int, float] = {}
        self._away: set[int] = set()

    async def run(self, shard: int, limit: int = 100, alarms: int = NO_ALARMS) -> DueRun:
        """Apply one batch of a shard's due timers, and take at most `alarms` that are due.

        Raises:
            UnavailableError: Redis cannot answer now.
        """
        self._last[shard] = monotonic()
        try:
            run = await self._timers.run_due(shard, limit, alarms)
        except UnavailableError:
            self._away.add(shard)
            raise
        self._away.discard(shard)
        self._count(shard, run)
        return run

    async def run_all(self, shard: int) -> DueRun:
        """Apply all that is due in a shard, batch by batch; return what the last batch did.

        Raises:
            UnavailableError: Redis cannot answer now.
        """
        run = await self._run_and_deliver(shard)
        while run.more:
            run = await self._run_and_deliver(shard)
        return run

    async def _run_and_deliver(self, shard: int) -> DueRun:
        with self._alarms.room() as room:
            run = await self.run(shard, alarms=room)
            self._alarms.deliver(run.alarms)
        return run

    def is_away(self, shard: int) -> bool:
        """Whether the shard could not answer when its due work was last to be run."""
        return shard in self._away

    async def before_claim(self, shard: int) -> None:
        """Apply a few due timers, so that no poll misses a task because a loop is late.

        Raises:
            UnavailableError: Redis cannot answer now.
        """
        if monotonic() - self._last.get(shard, -1) < LEAST_PAUSE:
            return
        try:
            await self.run(shard, POLL_LIMIT)
        except UnknownOutcomeError as error:  # whoever comes next runs what is still due
            raise UnavailableError(str(error)) from error

    def _count(self, shard: int, run: DueRun) -> None:
        metrics = self._metrics
        metrics.timers_applied += run.applied
        metrics.graced += run.graced
        metrics.failed += run.failed
        metrics.lost["unacknowledged"] += run.lost_unacknowledged
        metrics.lost["silent"] += run.lost_silent
        metrics.leases_swept += run.lost_unacknowledged + run.lost_silent
        for late_ms in run.late_ms:
            metrics.schedule_lag.observe(max(late_ms, 0) / 1000)
        metrics.lost["attempt_timeout"] += run.timed_out
        if run.gap_ms:
            metrics.outages += 1
            log.warning(
                "shard %d: no due work was run for %.1f s; leases granted before get their grace",
                shard,
                run.gap_ms / 1000,
            )
        if run.clock_back_ms > CLOCK_STEP_MS:
            metrics.clock_steps_back += 1
            log.warning(
                "shard %d: Redis's clock is %d ms back; time passes at half speed until level",
                shard,
                run.clock_back_ms,
            )
        if run.broken:
            metrics.timers_broken += run.broken
            log.error("shard %d: due work failed and is put off: %s", shard, run.trouble.decode())
