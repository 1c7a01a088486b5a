"""Who waits for a task of which worker group, first come first served.

Nothing here waits for Redis. A waiter is idle (in line) or checking (its claim is under way). A
wake takes the first idle waiters; one that finds nobody idle while somebody is checking is
remembered, because that check may have looked too early.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Group = tuple[str, str]
Reason = Literal["wake", "gone", "late"]
SLACK = 16
_tickets = count()


class Presence:
    """Whether a client is still there; `leave` is called when its connection closes.

    One that may no longer call counts as gone: `may_stay` is asked whenever that matters.
    """

    def __init__(self, may_stay: Callable[[], bool] | None = None) -> None:
        self._left = False
        self._may_stay = may_stay
        self._on_leave: Callable[[], None] | None = None

    @property
    def gone(self) -> bool:
        """Whether there is nobody who might be given a task."""
        return self._left or (self._may_stay is not None and not self._may_stay())

    def leave(self) -> None:
        """Remember that the client has gone, and tell who waits for it."""
        self._left = True
        if self._on_leave is not None:
            self._on_leave()

    def when_gone(self, act: Callable[[], None]) -> None:
        """Call `act` when the client leaves; at once if it has left."""
        self._on_leave = act
        if self.gone:
            act()


@dataclass(slots=True, eq=False)
class Waiter:
    """One poll in line; `shard` is where there is work for it, if that is known."""

    group: Group
    ticket: int
    signal: asyncio.Future[Reason]
    shard: int | None = None
    checking: bool = False

    def __lt__(self, other: Waiter) -> bool:
        return self.ticket < other.ticket

    def tell(self, reason: Reason) -> None:
        """Give the waiter a reason to stop waiting, unless it has one."""
        if not self.signal.done():
            self.signal.set_result(reason)


@dataclass(slots=True)
class _Line:
    """The waiters of one group; `heap` has the idle ones, and some that have left meanwhile."""

    heap: list[Waiter] = field(default_factory=list)
    idle: int = 0
    checking: int = 0
    missed: int = 0
    heading: Counter[int | None] = field(default_factory=Counter)  # of the checking, by shard

    def stand(self, waiter: Waiter) -> None:
        self.idle += 1
        heappush(self.heap, waiter)

    def begin_check(self, shard: int | None) -> bool:
        """Let the first waiter that is not about to leave check; False if there is none."""
        while self.heap:
            waiter = heappop(self.heap)
            if not waiter.signal.done():
                self.idle -= 1
                self.checking += 1
                waiter.shard, waiter.checking = shard, True
                self.heading[shard] += 1
                waiter.tell("wake")
                return True
        return False

    def end_check(self, waiter: Waiter) -> None:
        waiter.checking = False
        self.checking -= 1
        self.heading[waiter.shard] -= 1

    def remove(self, waiter: Waiter) -> None:
        """Take out an idle waiter; its place in the heap is cleared when half of them are stale."""
        self.idle -= 1
        waiter.tell("gone")
        if len(self.heap) > 2 * self.idle + SLACK:
            self.heap = [other for other in self.heap if not other.signal.done()]
            heapify(self.heap)


class Waiters:
    """The lines of one replica, by (account, worker group)."""

    def __init__(self) -> None:
        self._lines: dict[Group, _Line] = {}
        self.count = 0

    def groups(self) -> list[Group]:
        """The groups that somebody waits for."""
        return list(self._lines)

    def sizes(self) -> dict[Group, int]:
        """How many wait, or check, by group."""
        return {group: line.idle + line.checking for group, line in self._lines.items()}

    def enter(self, group: Group) -> Waiter:
        """Stand at the end of the line."""
        waiter = Waiter(group, next(_tickets), asyncio.get_running_loop().create_future())
        self._lines.setdefault(group, _Line()).stand(waiter)
        self.count += 1
        return waiter

    def back(self, waiter: Waiter) -> None:
        """Stand where one was before, after a check that found nothing."""
        line = self._lines[waiter.group]
        waiter.signal = asyncio.get_running_loop().create_future()
        line.end_check(waiter)
        line.stand(waiter)
        if line.missed:
            line.missed -= 1
            self.wake(waiter.group, 1)

    def leave(self, waiter: Waiter, *, pass_on: bool) -> None:
        """Leave the line for good; with `pass_on` a wake that was not used goes to the next."""
        line = self._lines[waiter.group]
        self.count -= 1
        woken = waiter.checking
        (line.end_check if woken else line.remove)(waiter)
        missed, line.missed = line.missed, 0
        if missed:
            self.wake(waiter.group, missed)
        if woken and pass_on:
            self.wake(waiter.group, 1, waiter.shard)
        if not line.idle and not line.checking:
            del self._lines[waiter.group]

    def wake(self, group: Group, most: int, shard: int | None = None) -> None:
        """Let at most `most` waiters check for a task; `shard` is where it is, if that is known."""
        line = self._lines.get(group)
        if line is None:
            return
        while most > 0 and line.begin_check(shard):
            most -= 1
        line.missed = min(line.missed + most, line.checking)

    def wake_for_more(self, group: Group, shard: int) -> None:
        """A claim has left tasks behind in a shard: wake one waiter unless one is heading there."""
        line = self._lines.get(group)
        if line is not None and not line.heading[shard]:
            self.wake(group, 1, shard)

    def tell_all(self, reason: Reason) -> None:
        """Give every idle waiter a reason to stop waiting."""
        for line in self._lines.values():
            for waiter in line.heap:
                waiter.tell(reason)
