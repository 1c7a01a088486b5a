"""Who waits for a task of which worker group, first come first served.

Nothing here waits for Redis. A waiter is idle (in line) or checking (its claim is under way). A
wake takes the first idle waiters; one that finds nobody idle while somebody is checking is
remembered, because that check may have looked too early.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Group = tuple[str, str]
Reason = Literal["wake", "gone", "late"]
_tickets = count()


class Presence:
    """Whether a client is still there; `leave` is called when its connection closes."""

    def __init__(self) -> None:
        self.gone = False
        self.on_leave: Callable[[], None] | None = None

    def leave(self) -> None:
        """Remember that the client has gone, and tell who waits for it."""
        self.gone = True
        if self.on_leave is not None:
            self.on_leave()


@dataclass(slots=True, eq=False)
class Waiter:
    """One poll in line."""

    group: Group
    ticket: int
    signal: asyncio.Future[Reason]
    shard: int | None = None

    def __lt__(self, other: Waiter) -> bool:
        return self.ticket < other.ticket

    def tell(self, reason: Reason) -> None:
        """Give the waiter a reason to stop waiting, unless it has one."""
        if not self.signal.done():
            self.signal.set_result(reason)


@dataclass(slots=True)
class _Line:
    """Those who came back from a check stand before the others: they were taken from the front."""

    returned: list[Waiter] = field(default_factory=list)
    idle: OrderedDict[int, Waiter] = field(default_factory=OrderedDict)
    checking: int = 0
    missed: int = 0

    def first(self) -> Waiter | None:
        """Take the first waiter that is not about to leave."""
        while self.returned or self.idle:
            waiter = heappop(self.returned) if self.returned else self.idle.popitem(last=False)[1]
            if not waiter.signal.done():
                return waiter
        return None

    def remove(self, waiter: Waiter) -> None:
        if self.idle.pop(waiter.ticket, None) is None:
            self.returned = [other for other in self.returned if other is not waiter]
            heapify(self.returned)

    @property
    def empty(self) -> bool:
        return not (self.returned or self.idle or self.checking)


class Waiters:
    """The lines of one replica, by (account, worker group)."""

    def __init__(self) -> None:
        self._lines: dict[Group, _Line] = {}
        self.count = 0
        self.wakes = 0

    def groups(self) -> list[Group]:
        """The groups that somebody waits for."""
        return list(self._lines)

    def enter(self, group: Group) -> Waiter:
        """Stand at the end of the line."""
        loop = asyncio.get_running_loop()
        waiter = Waiter(group, next(_tickets), loop.create_future())
        self._lines.setdefault(group, _Line()).idle[waiter.ticket] = waiter
        self.count += 1
        return waiter

    def back(self, waiter: Waiter) -> None:
        """Stand where one was before, after a check that found nothing."""
        line = self._lines[waiter.group]
        waiter.signal = asyncio.get_running_loop().create_future()
        line.checking -= 1
        heappush(line.returned, waiter)
        if line.missed:
            line.missed -= 1
            self.wake(waiter.group, 1, waiter.shard)

    def leave(self, waiter: Waiter, *, checking: bool) -> None:
        """Leave the line for good. A wake that was meant for this waiter goes to the next."""
        line = self._lines[waiter.group]
        self.count -= 1
        if checking:
            line.checking -= 1
        else:
            line.remove(waiter)
        missed, line.missed = line.missed, 0
        if missed:
            self.wake(waiter.group, missed)
        if line.empty:
            self._lines.pop(waiter.group, None)

    def wake(self, group: Group, most: int, shard: int | None = None) -> None:
        """Let at most `most` waiters check for a task; `shard` is where it is, if that is known."""
        line = self._lines.get(group)
        if line is None:
            return
        while most > 0 and (waiter := line.first()) is not None:
            most -= 1
            waiter.shard = shard
            line.checking += 1
            self.wakes += 1
            waiter.tell("wake")
        line.missed = min(line.missed + most, line.checking)

    def tell_all(self, reason: Reason) -> None:
        """Give every idle waiter a reason to stop waiting."""
        for line in self._lines.values():
            for waiter in [*line.returned, *line.idle.values()]:
                waiter.tell(reason)
