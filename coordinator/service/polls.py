"""PollForTask: claim a task, or wait for one.

Each arrival asks the store once, on behalf of the first in line; a claim that leaves more tasks
behind wakes the next. Wake-ups of the scripts do the rest, and once a second `check_waiting` looks
for those that were lost. A waiter costs memory only.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from coordinator.domain.ids import new_claim, shard_of
from coordinator.errors import (
    CoordinatorError,
    PollSupersededError,
    UnavailableError,
    UnknownOutcomeError,
)
from coordinator.service.waiters import Waiters
from coordinator.store.tasks import AGAIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coordinator.config import Settings
    from coordinator.metrics import Metrics
    from coordinator.service.due import DueWork
    from coordinator.service.shards import Shards
    from coordinator.service.waiters import Presence, Reason, Waiter
    from coordinator.store.tasks import Again, Claimed, PollCall, Tasks

log = logging.getLogger(__name__)
GROUPS_A_CALL = 500
# Seconds; together less than two, in which whoever calls has an answer (longer with `replicas:N`).
SETTLE_WITHIN = 1.5
PUT_BACK_WITHIN = 0.4
ASK_PAUSE = 0.05
BAR_MS = 300_000  # longer than any poll of an earlier try can last
# A close that is in the socket when a claim is answered reaches `Presence` this many turns of the
# event loop later: read, end of file, connection lost, event set, watcher run.
TURNS = 5
T = TypeVar("T")


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
        if task.more:
            self.waiters.wake_for_more((call.account, call.group), shard_of(task.pipeline_id))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        if presence.gone:
            await self._give_back(call, task)
            return None
        self._count(task)
        return task

    def close(self) -> None:
        """Answer every waiting poll at once: the replica stops."""
        self._closing = True
        self.waiters.tell_all("late")

    async def check_waiting(self, shard: int) -> None:
        """Wake those for whom there is work in a shard: the answer to lost wake-ups.

        Raises:
            UnavailableError: Redis cannot answer now.
        """
        groups = self.waiters.groups()
        if groups:
            await self._due.run_all(shard)
        for first in range(0, len(groups), GROUPS_A_CALL):
            some = groups[first : first + GROUPS_A_CALL]
            counts = await self._tasks.ready_groups(shard, some)
            for group, ready in zip(some, counts, strict=True):
                self.waiters.wake(group, ready, shard)

    async def _repeat(self, call: PollCall) -> Claimed | None:
        """Find what an earlier try of the call claimed; else bar that try from claiming.

        A shard that cannot answer keeps no task of the others back, as in `_check`.
        """
        answered, trouble = False, None
        for shard in sorted(self._shards.all(), key=self._due.is_away):
            if trouble and self._due.is_away(shard):
                break
            try:
                held = await self._tasks.bar(shard, call, BAR_MS)
            except UnavailableError as error:
                log.debug("shard %d cannot say what an earlier try claimed: %s", shard, error)
                trouble = error
                continue
            answered = True
            task = await self._claim(shard, call) if held else None
            if task is not None and task != AGAIN:
                return task
        if trouble and not answered:
            raise trouble
        return None

    async def _wait_in_line(self, call: PollCall, presence: Presence) -> Claimed | None:
        waiter = self.waiters.enter((call.account, call.group))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait
        timer = loop.call_at(deadline, lambda: waiter.tell("late"))
        pass_on = True  # unless a check has used the wake
        try:
            presence.when_gone(lambda: waiter.tell("gone"))
            self.waiters.wake(waiter.group, 1)
            while await self._signal(waiter, deadline, presence) == "wake" and not presence.gone:
                task = await self._check(call, waiter)
                if task is not None and task != AGAIN:
                    pass_on = False
                    return task
                self._metrics.empty_wakes += waiter.shard is not None
                self.waiters.back(waiter)
                if task == AGAIN and loop.time() < deadline:
                    self.waiters.wake(waiter.group, 1)
        except UnavailableError:
            pass_on = False  # Redis is away for the next one too: they are looked after in a second
            raise
        finally:
            timer.cancel()
            self.waiters.leave(waiter, pass_on=pass_on)
        return None

    async def _signal(self, waiter: Waiter, deadline: float, presence: Presence) -> Reason:
        """Wait for a reason to stop waiting; some come while the waiter checks."""
        if presence.gone:
            waiter.tell("gone")
        elif self._closing or deadline <= asyncio.get_running_loop().time():
            waiter.tell("late")
        return await waiter.signal

    async def _check(self, call: PollCall, waiter: Waiter) -> Claimed | Again | None:
        """Claim in the shard that the wake named, or else in all of them.

        A shard that cannot answer does not keep the tasks of the others back: those known to be
        away come last, and are asked only if nobody else has answered.
        """
        shards = self._shards.in_turn() if waiter.shard is None else [waiter.shard]
        answered, trouble, again = False, None, None
        for shard in sorted(shards, key=self._due.is_away):
            if self._due.is_away(shard) and (answered or trouble):
                break
            try:
                await self._due.before_claim(shard)
                task = await self._claim(shard, call)
            except UnknownOutcomeError:
                raise  # there may be a task in this shard for us: another one would be too many
            except UnavailableError as error:
                trouble = error
                continue
            if task is not None and task != AGAIN:
                return task
            answered, again = True, task or again
        if trouble and not answered:
            raise trouble
        return again

    async def _claim(self, shard: int, call: PollCall) -> Claimed | Again | None:
        """Claim; when the answer is lost ask again, and the same call gets the same task."""
        claim = new_claim()
        try:
            return await _settled(lambda: self._tasks.claim(shard, call, claim, self._ack_ms))
        except UnknownOutcomeError:
            await self._put_back(shard, call, claim)
            raise

    async def _put_back(self, shard: int, call: PollCall, claim: str) -> None:
        """Give back what was claimed but is not as durable as it must be to be told.

        Else each poll would use up one of the hand-outs that a task has before it fails, while
        replicas of Redis are missing.
        """
        with suppress(CoordinatorError, TimeoutError):
            async with asyncio.timeout(PUT_BACK_WITHIN):
                task = await self._tasks.claim(shard, call, claim, self._ack_ms, durable=False)
                if task is not None and task != AGAIN:
                    await self._give_back(call, task)

    async def _give_back(self, call: PollCall, task: Claimed) -> None:
        shard = shard_of(task.pipeline_id)
        try:
            returned = await _settled(lambda: self._tasks.give_back(call, task, shard))
        except UnavailableError as error:
            log.warning("a task whose runner left waits for its deadline: %s", error)
        else:
            self._metrics.given_back += returned

    def _count(self, task: Claimed) -> None:
        if task.again:
            self._metrics.handed_again += 1
        else:
            self._metrics.granted += 1
        if task.lag_ms >= 0:
            self._metrics.hand_out_lag.observe(task.lag_ms / 1000)
        if task.waited_ms >= 0:
            self._metrics.ready_wait.observe(task.waited_ms / 1000)


async def _settled(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that can be repeated, and while its outcome is unknown make it again.

    That is for connections that are lost; a Redis that was silent for its whole timeout is not
    asked again.

    Raises:
        UnknownOutcomeError: for `SETTLE_WITHIN` seconds there was no way to learn it.
        UnavailableError: it had no effect.
    """
    until = asyncio.get_running_loop().time() + SETTLE_WITHIN
    try:
        return await call()
    except UnknownOutcomeError as error:
        unknown = error
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(ASK_PAUSE)
        with suppress(UnavailableError, TimeoutError):
            async with asyncio.timeout_at(until):
                return await call()
    raise unknown
