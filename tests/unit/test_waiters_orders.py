"""The lines of waiting polls against a world of tasks, in any order of events."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.service.waiters import Waiter, Waiters

G = ("acct", "g")


def reason(waiter: Waiter) -> str | None:
    """Return what a waiter was told, or None."""
    return waiter.signal.result() if waiter.signal.done() else None


class Play:
    """Waiters against a world of tasks: every made-ready task is announced by one wake.

    A check looks at its beginning and ends later, as a claim in Redis does.
    """

    def __init__(self) -> None:
        self.line = Waiters()
        self.ready = 0
        self.idle: list[Waiter] = []
        # What the check has seen: nothing yet (None), no task (0), one (1), one and more (2).
        self.checking: dict[Waiter, int | None] = {}

    def make_ready(self, count: int) -> None:
        """Tasks become ready, and a wake says so."""
        self.ready += count
        self.line.wake(G, count, 0)

    def enter(self, _: int) -> None:
        """Somebody comes, and the first in line looks."""
        self.idle.append(self.line.enter(G))
        self.line.wake(G, 1)

    def look(self, number: int) -> None:
        """Some check under way sees whether there is a task, and takes it."""
        early = [waiter for waiter, seen in self.checking.items() if seen is None]
        if early:
            self._look(early[number % len(early)])

    def _look(self, waiter: Waiter) -> None:
        self.checking[waiter] = min(self.ready, 2)
        self.ready -= self.ready > 0

    def end(self, number: int) -> None:
        """Some check ends with what it has seen."""
        if not self.checking:
            return
        waiter = list(self.checking)[number % len(self.checking)]
        if self.checking[waiter] is None:
            self._look(waiter)
        seen = self.checking.pop(waiter)
        if seen:
            self.line.leave(waiter, pass_on=False)
        else:
            self.line.back(waiter)
            self.idle.append(waiter)
        if seen == 2:
            self.line.wake_for_more(G, 0)

    def give_up(self, number: int) -> None:
        """Some waiter leaves, woken or not, without a (further) check."""
        everyone = [*self.idle, *(w for w, seen in self.checking.items() if not seen)]
        if everyone:
            waiter = everyone[number % len(everyone)]
            waiter.tell("gone")
            self.checking.pop(waiter, None)
            self.idle = [other for other in self.idle if other is not waiter]
            self.line.leave(waiter, pass_on=True)

    def settle(self) -> None:
        """Move those that were woken from the idle to the checking ones."""
        for waiter in [waiter for waiter in self.idle if reason(waiter) == "wake"]:
            self.idle.remove(waiter)
            self.checking[waiter] = None

    def check(self) -> None:
        """Assert what must be true at any moment."""
        assert all(waiter.checking for waiter in self.checking)
        assert not any(waiter.checking for waiter in self.idle)
        assert self.line.count == len(self.idle) + len(self.checking)
        if self.ready and self.idle:
            assert self.checking, "tasks are ready, somebody waits, and nobody looks"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["make_ready", "enter", "enter", "look", "end", "end", "give_up"]),
        st.integers(1, 4),
    ),
    max_size=60,
)


@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_no_wake_is_lost(steps: list[tuple[str, int]]) -> None:
    """In no order of arrivals, wakes, checks and leaves is a task ready while all are idle."""

    async def play() -> None:
        world = Play()
        for name, number in steps:
            getattr(world, name)(number)
            world.settle()
            world.check()
        for _ in range(200):
            world.look(0)
            world.end(0)
            world.settle()
            world.check()
        assert not (world.ready and world.idle)

    asyncio.run(play())


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_the_order_is_kept(steps: list[tuple[str, int]]) -> None:
    """Of those in line, whoever is woken came before all that are not."""

    async def play() -> None:
        world = Play()
        for name, number in steps:
            before: list[Any] = list(world.idle)
            getattr(world, name)(number)
            woken = [w.ticket for w in before if reason(w) == "wake"]
            left = [w.ticket for w in before if reason(w) is None]
            assert max(woken, default=-1) < min(left, default=1 << 60)
            world.settle()

    asyncio.run(play())
