"""PollForTask: claim a task, or wait for one.

Each arrival asks the store once, on behalf of the first in line; a claim that leaves more tasks
behind wakes the next. Wake-ups of the scripts do the rest, and once a second `check_waiting` looks
for those that were lost. A waiter costs memory only.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from coordinator.domain.ids import new_claim, shard_of
from coordinator.errors import PollSupersededError, UnavailableError, UnknownOutcomeError
from coordinator.service.waiters import Presence, Waiter, Waiters

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.metrics import Metrics
    from coordinator.service.due import DueWork
    from coordinator.service.shards import Shards
    from coordinator.service.waiters import Reason
    from coordinator.store.tasks import Claimed, PollCall, Tasks

log = logging.getLogger(__name__)
GROUPS_A_CALL = 500
ASK_AGAIN = 5
BAR_MS = 300_000


class Polls:
    """The polls of one replica."""

    def __init__(
        self, tasks: Tasks, due: DueWork, shards: Shards, settings: Settings, metrics: Metrics
    ) -> None:
        self.waiters = Waiters()
        self._tasks = tasks
        self._due = due
        self._shards = shards
        self._wait = settings.poll_wait
        self._ack_ms = int(settings.ack_timeout * 1000)
        self._metrics = metrics
        self._closing = False

    async def poll(self, call: PollCall, presence: Presence) -> Claimed | None:
        """Hand out a task, or None after the wait or when the client has gone.

        Raises:
            UnavailableError: Redis cannot answer now.
        """
        try:
            task = await self._repeat(call) if call.attempt > 1 else None
            if task is None:
                task = await self._wait_in_line(call, presence)
        except PollSupersededError:
            return None
        if task is None:
            return None
        await asyncio.sleep(0)  # let a close that has arrived be noticed
        if presence.gone and await self._give_back(call, task):
            return None
        self._count(task)
        return task

    def close(self) -> None:
        """Answer every waiting poll at once: the replica stops."""
        self._closing = True
        self.waiters.tell_all("late")

    async def check_waiting(self) -> None:
        """Wake those for whom there is work in any shard: the answer to lost wake-ups."""
        groups = self.waiters.groups()
        for shard in self._shards.all():
            for first in range(0, len(groups), GROUPS_A_CALL):
                some = groups[first : first + GROUPS_A_CALL]
                counts = await self._tasks.ready_groups(shard, some)
                for group, ready in zip(some, counts, strict=True):
                    if ready:
                        self.waiters.wake(group, ready, shard)

    async def _repeat(self, call: PollCall) -> Claimed | None:
        """Find what an earlier try of the call claimed; else bar that try from claiming."""
        for shard in self._shards.all():
            if await self._tasks.bar(shard, call, BAR_MS):
                task = await self._claim(shard, call)
                if task is not None:
                    return task
        return None

    async def _wait_in_line(self, call: PollCall, presence: Presence) -> Claimed | None:
        waiter = self.waiters.enter((call.account, call.group))
        presence.on_leave = lambda: waiter.tell("gone")
        timer = asyncio.get_running_loop().call_later(self._wait, _time_is_up, waiter)
        checking = pass_on = False
        try:
            self.waiters.wake(waiter.group, 1)
            while True:
                checking = await self._signal(waiter, timer) == "wake"
                if not checking or presence.gone:
                    pass_on = checking
                    return None
                task = await self._check(call, waiter)
                if task is not None:
                    pass_on = task.more
                    return task
                self.waiters.back(waiter)
                checking = False
        finally:
            timer.cancel()
            self.waiters.leave(waiter, checking=checking)
            if pass_on:
                self.waiters.wake(waiter.group, 1, waiter.shard)

    async def _signal(self, waiter: Waiter, timer: asyncio.TimerHandle) -> Reason:
        """Wait for a reason; after a check that found nothing the time may be up already."""
        if self._closing or timer.when() <= asyncio.get_running_loop().time():
            waiter.tell("late")
        return await waiter.signal

    async def _check(self, call: PollCall, waiter: Waiter) -> Claimed | None:
        """Claim in the shard that the wake named, or else in all of them."""
        known, waiter.shard = waiter.shard, None
        for shard in self._shards.in_turn() if known is None else [known]:
            await self._due.before_claim(shard)
            task = await self._claim(shard, call)
            if task is not None:
                waiter.shard = shard
                return task
        return None

    async def _claim(self, shard: int, call: PollCall) -> Claimed | None:
        """Claim; when the answer is lost ask again, and the same call gets the same task."""
        claim, until = new_claim(), asyncio.get_running_loop().time() + ASK_AGAIN
        while True:
            try:
                return await self._tasks.claim(shard, call, claim, self._ack_ms)
            except UnknownOutcomeError:
                if asyncio.get_running_loop().time() >= until:
                    raise

    async def _give_back(self, call: PollCall, task: Claimed) -> bool:
        try:
            await self._tasks.give_back(call.account, task, shard_of(task.pipeline_id))
        except UnavailableError as error:
            log.warning("a task whose runner left waits for its deadline: %s", error)
        self._metrics.given_back += 1
        return True

    def _count(self, task: Claimed) -> None:
        self._metrics.granted += 1
        if task.lag_ms >= 0:
            self._metrics.hand_out_lag.observe(task.lag_ms / 1000)


def _time_is_up(waiter: Waiter) -> None:
    waiter.tell("late")
