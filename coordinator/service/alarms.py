"""Delivering alarms: each is posted until a receiver takes it, at least once.

Due work gives a replica as many alarms as it has room for, and each delivery is a task of its own,
so that no receiver holds up anything else. Until the delivery is settled the alarm stays in its
outbox, with a timer: if this replica dies, another gets it. What is settled is gone; what failed is
due again later.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from coordinator.domain.alarms import Telling, tell
from coordinator.errors import CoordinatorError, PipelineNotFoundError, UnavailableError
from coordinator.service.events import event_of, happening_of
from coordinator.service.receivers import DeliveryError, Receivers, is_receiver
from coordinator.store.alarms import raised_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.config import Settings
    from coordinator.metrics import Metrics
    from coordinator.service.contexts import Contexts
    from coordinator.store.alarms import Alarms, Raised, StoredAlarm

log = logging.getLogger(__name__)
SLOTS = 16
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
MOST_DOUBLED = 9
JITTER = 0.2
LOG_PAUSE = 60.0
SETTLE_PAUSES = (0.0, 0.5, 2.0, 5.0)  # within the time after which the alarm is given out again
MOST_PROBLEM = 500


class AlarmService:
    """The deliveries of this replica."""

    def __init__(
        self, alarms: Alarms, contexts: Contexts, settings: Settings, metrics: Metrics
    ) -> None:
        self._alarms = alarms
        self._contexts = contexts
        self._url = settings.alarm_url
        self._keep_ms = settings.history_days * 86_400_000
        self._metrics = metrics
        self._receivers = Receivers()
        self._running: set[asyncio.Task[None]] = set()
        self._promised = 0
        self._unlogged = 0
        self._logged_at = -LOG_PAUSE

    @contextmanager
    def room(self) -> Iterator[int]:
        """Reserve half of what is free: shards whose due work is run meanwhile find some too."""
        free = max(0, SLOTS - len(self._running) - self._promised)
        taken = (free + 1) // 2
        self._promised += taken
        try:
            yield taken
        finally:
            self._promised -= taken

    def deliver(self, offered: list[bytes]) -> None:
        """Begin to deliver what a run of due work gave to this replica."""
        for which in raised_in(offered):
            task = asyncio.create_task(self._deliver(which))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Give up what is not delivered yet: it comes again by its timer."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._receivers.close()

    async def _deliver(self, which: Raised) -> None:
        try:
            stored = await self._alarms.read(which)
            if stored is not None:
                await self._try(which, stored)
        except CoordinatorError as error:
            log.debug("an alarm waits for Redis: %s", error)

    async def _try(self, which: Raised, stored: StoredAlarm) -> None:
        try:
            await self._tell(which, stored)
        except DeliveryError as error:
            await self._put_off(which, stored, str(error))
        except CoordinatorError:
            raise
        except Exception as error:
            log.exception("an alarm of pipeline %s cannot be told", which.pipeline_id)
            await self._put_off(which, stored, f"it cannot be told: {type(error).__name__}")

    async def _tell(self, which: Raised, stored: StoredAlarm) -> None:
        telling = await self._telling(which, stored)
        url = telling.topic if is_receiver(telling.topic) else self._url
        if not url:
            await self._log(which, stored, telling)
            return
        event = event_of(which, stored, telling)
        await self._receivers.post(url, event.body, event.headers)
        self._metrics.alarms["delivered"] += 1
        await self._remove(which)

    async def _telling(self, which: Raised, stored: StoredAlarm) -> Telling:
        """Evaluate the alarm's texts; it goes out even where nothing is known of them any more."""
        record = stored.record
        try:
            context = await self._contexts.of(which.account, which.pipeline_id, record["version"])
        except PipelineNotFoundError:
            return Telling({}, "", "Its definition is gone.")
        # It may take half a second: other callers must not wait for that.
        return await asyncio.to_thread(tell, context, record["alarm"], happening_of(which, stored))

    async def _log(self, which: Raised, stored: StoredAlarm, telling: Telling) -> None:
        """Tell the log, since nobody else is there; what is secret is masked in the texts."""
        log.warning(
            "alarm of %s of pipeline %s (%s): %r: %r %s",
            stored.record["id"],
            which.pipeline_id,
            stored.record["event"],
            telling.texts.get("subject", ""),
            telling.texts.get("message", ""),
            telling.problem,
        )
        self._metrics.alarms["logged"] += 1
        await self._remove(which)

    async def _put_off(self, which: Raised, stored: StoredAlarm, problem: str) -> None:
        age_ms = stored.now_ms - int(stored.record["raised_ms"])
        self._metrics.alarms["failed"] += 1
        if age_ms < self._keep_ms:
            pause = pause_after(int(stored.record["tries"]))
            await self._alarms.put_off(which, problem[:MOST_PROBLEM], int(pause * 1000))
            self._note(which, problem)
        elif await self._remove(which):
            self._metrics.alarms["dropped"] += 1
            log.error(
                "an alarm of %s of pipeline %s is given up after %.1f days: %s",
                stored.record["id"],
                which.pipeline_id,
                age_ms / 86_400_000,
                problem,
            )

    async def _remove(self, which: Raised) -> bool:
        """Settle an alarm for good, also if Redis is away for a moment: else it is posted again."""
        for pause in SETTLE_PAUSES:
            await asyncio.sleep(pause)
            try:
                return await self._alarms.remove(which)
            except UnavailableError as error:
                trouble = error
        raise trouble

    def _note(self, which: Raised, problem: str) -> None:
        """Log a failure, at most once a minute."""
        self._unlogged += 1
        if monotonic() < self._logged_at + LOG_PAUSE:
            return
        log.warning(
            "an alarm of pipeline %s is not delivered yet: %s (failures since this was last said: "
            "%d)",
            which.pipeline_id,
            problem,
            self._unlogged,
        )
        self._logged_at, self._unlogged = monotonic(), 0


def pause_after(tries: int) -> float:
    """Seconds until an alarm is tried again that failed so many times before: twice as long."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * float(1 << min(tries, MOST_DOUBLED)))
    return pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - only spreads load
