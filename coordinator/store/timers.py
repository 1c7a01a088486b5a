"""Running due work, and the counts that gauges show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.store.scripts import Scripts


class DueRun(NamedTuple):
    """What one `run_due` did.

    Times in ms; `next_due_ms` is -1 where nothing is to come, `more` is 1 if more is due now.
    `broken` timers could not be applied and are put off; `trouble` is the error of the last.
    `alarms` are those to be delivered: scope, number, …;
    `late_ms`: by how much each run of a schedule was late that it began.
    """

    next_due_ms: int
    now_ms: int
    clock_back_ms: int
    gap_ms: int
    applied: int
    lost_unacknowledged: int
    lost_silent: int
    graced: int
    timed_out: int
    failed: int
    cursor_steps: int
    broken: int
    more: int
    trouble: bytes
    alarms: list[bytes]
    late_ms: list[int]


class Counts(NamedTuple):
    """Of a shard: instances in each state, timers, and alarms that are to be delivered.

    `stuck`: alarms that have failed before; `due`: timers that are due, the first for `lag_ms`;
    `cursors`: fan-outs that are under way (of the first 1,000 that are due); `stale`: leases whose
    holders have been silent for long.
    """

    blocked: int
    ready: int
    leased: int
    delayed: int
    terminal: int
    timers: int
    alarms: int
    stuck: int
    due: int
    lag_ms: int
    cursors: int
    stale: int


class Timers:
    """The timer half of the store."""

    def __init__(self, scripts: Scripts, settings: Settings) -> None:
        self._scripts = scripts
        self._limits = {
            "threshold_ms": int(settings.outage_threshold * 1000),
            "grace_ms": int(settings.outage_grace * 1000),
            "max_lost": settings.max_lost_leases,
            "tombstone_ms": int(settings.history_days * 86_400_000),
            "max_pending": settings.max_pending,
        }

    async def run_due(self, shard: int, limit: int = 100, alarms: int = 0) -> DueRun:
        """Apply at most `limit` due timers of a shard; idempotent, any replica may call it.

        It takes at most `alarms` of those that are to be delivered, which the caller then does.
        Nobody is told of what it does, so no replica of Redis has to have it first.
        """
        reply = await self._scripts.read(
            "run_due", shard, limit=limit, alarms=alarms, **self._limits
        )
        return DueRun._make(reply)

    async def counts(self, shard: int) -> Counts:
        """Count instances by state, from the counters that each state change keeps."""
        return Counts(*await self._scripts.read("read_counts", shard))
