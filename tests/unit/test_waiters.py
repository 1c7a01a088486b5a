"""The lines of waiting polls: who is woken, in which order, and that no wake is lost."""

from __future__ import annotations

import pytest

from coordinator.service.waiters import Presence, Waiter, Waiters

G = ("acct", "g")
OTHER = ("acct", "other")


def reason(waiter: Waiter) -> str | None:
    """Return what a waiter was told, or None."""
    return waiter.signal.result() if waiter.signal.done() else None


def told(waiters: list[Waiter]) -> list[str | None]:
    """Return what each was told."""
    return [reason(waiter) for waiter in waiters]


async def test_first_come_first_served() -> None:
    """A wake takes who has waited longest, and only in its own group."""
    line = Waiters()
    first, second, third = (line.enter(G) for _ in range(3))
    elsewhere = line.enter(OTHER)
    line.wake(G, 1)
    assert told([first, second, third, elsewhere]) == ["wake", None, None, None]
    line.wake(G, 1)
    assert told([second, third, elsewhere]) == ["wake", None, None]


async def test_a_wake_of_n_wakes_at_most_n() -> None:
    """As many are woken as there are tasks, and they learn the shard."""
    line = Waiters()
    waiters = [line.enter(G) for _ in range(5)]
    line.wake(G, 3, 7)
    assert told(waiters) == ["wake", "wake", "wake", None, None]
    assert [waiter.shard for waiter in waiters] == [7, 7, 7, None, None]


async def test_a_waiter_is_told_once() -> None:
    """The first reason counts: who was woken cannot be told that it is late as well."""
    line = Waiters()
    waiter = line.enter(G)
    line.wake(G, 1)
    waiter.tell("late")
    line.tell_all("late")
    line.wake(G, 1)
    assert reason(waiter) == "wake"


async def test_who_is_about_to_leave_is_passed_over() -> None:
    """A wake does not go to a waiter whose time is up or whose client has gone."""
    line = Waiters()
    late, gone, third = (line.enter(G) for _ in range(3))
    late.tell("late")
    gone.tell("gone")
    line.wake(G, 1)
    assert told([late, gone, third]) == ["late", "gone", "wake"]
    for waiter in (late, gone):
        line.leave(waiter, pass_on=True)
    line.leave(third, pass_on=False)
    assert line.count == 0
    assert line.groups() == []


async def test_a_wake_while_all_are_checking_is_remembered() -> None:
    """A check that may have looked too early is made again, in any shard."""
    line = Waiters()
    waiter = line.enter(G)
    line.wake(G, 1, 1)
    line.wake(G, 1, 2)
    line.back(waiter)
    assert reason(waiter) == "wake"
    assert waiter.shard is None
    line.back(waiter)
    assert reason(waiter) is None


async def test_each_check_under_way_remembers_a_wake() -> None:
    """Two tasks that come while two look make both look again."""
    line = Waiters()
    first, second = line.enter(G), line.enter(G)
    line.wake(G, 2)
    line.wake(G, 2)
    line.back(first)
    line.back(second)
    assert told([first, second]) == ["wake", "wake"]


async def test_a_remembered_wake_outlives_its_checker() -> None:
    """The wake that came while the only checker was busy goes to who has come meanwhile."""
    line = Waiters()
    first = line.enter(G)
    line.wake(G, 1)
    line.wake(G, 1)
    second = line.enter(G)
    line.leave(first, pass_on=False)
    assert reason(second) == "wake"


async def test_wakes_are_not_remembered_beyond_the_checkers() -> None:
    """Each check under way can have missed one task: more is for those who come to find."""
    line = Waiters()
    waiter = line.enter(G)
    line.wake(G, 1_000_000)
    line.back(waiter)
    assert reason(waiter) == "wake"
    line.back(waiter)
    assert reason(waiter) is None


async def test_leaving_passes_the_wake_on() -> None:
    """Who leaves with a wake that it did not use leaves it, and the shard, to the next."""
    line = Waiters()
    first, second = line.enter(G), line.enter(G)
    line.wake(G, 1, 4)
    line.leave(first, pass_on=True)
    assert reason(second) == "wake"
    assert second.shard == 4


async def test_leaving_with_the_wake_used_wakes_nobody() -> None:
    """Who has found what it was woken for wakes nobody."""
    line = Waiters()
    first, second = line.enter(G), line.enter(G)
    line.wake(G, 1)
    line.leave(first, pass_on=False)
    assert reason(second) is None


async def test_leaving_idle_wakes_nobody() -> None:
    """Who was never woken has no wake to pass on."""
    line = Waiters()
    first, second = line.enter(G), line.enter(G)
    first.tell("late")
    line.leave(first, pass_on=True)
    assert reason(second) is None


async def test_back_keeps_the_place() -> None:
    """Who comes back from a check stands where it stood, whoever comes back first."""
    line = Waiters()
    waiters = [line.enter(G) for _ in range(4)]
    line.wake(G, 2)
    line.back(waiters[1])
    line.back(waiters[0])
    order = []
    for _ in waiters:
        line.wake(G, 1)
        order += [n for n, waiter in enumerate(waiters) if waiter.checking and n not in order]
    assert order == [0, 1, 2, 3]


async def test_a_wake_for_nobody_is_forgotten() -> None:
    """Where nobody waits there is nothing to remember: who comes looks first."""
    line = Waiters()
    line.wake(G, 3)
    assert line.groups() == []
    assert reason(line.enter(G)) is None


async def test_more_wakes_one_unless_one_is_on_its_way() -> None:
    """Tasks that a claim left behind are for whoever heads for their shard, else for the next."""
    line = Waiters()
    first, second, third = (line.enter(G) for _ in range(3))
    line.wake(G, 1, 3)
    line.wake_for_more(G, 3)
    assert told([first, second, third]) == ["wake", None, None]
    line.wake_for_more(G, 5)
    assert (reason(second), second.shard, reason(third)) == ("wake", 5, None)
    line.leave(first, pass_on=False)
    line.wake_for_more(G, 3)
    assert (reason(third), third.shard) == ("wake", 3)


async def test_tell_all_reaches_idle_waiters_only() -> None:
    """A stop ends the waiting; checks under way end by themselves."""
    line = Waiters()
    first, second = line.enter(G), line.enter(OTHER)
    line.wake(G, 1)
    line.tell_all("late")
    assert told([first, second]) == ["wake", "late"]


async def test_those_who_left_are_forgotten() -> None:
    """Thousands that come, check and leave in any order leave nothing behind, at no great cost."""
    line = Waiters()
    for_good = line.enter(G)
    line.wake(G, 1)
    for _ in range(3):
        many = [line.enter(G) for _ in range(5000)]
        line.wake(G, len(many))
        for waiter in many:
            line.back(waiter)
        for waiter in reversed(many):
            line.leave(waiter, pass_on=True)
    assert len(line._lines[G].heap) < 100
    line.leave(for_good, pass_on=True)
    assert line.groups() == []


@pytest.mark.parametrize("before", [True, False])
def test_presence_tells_when_the_client_leaves(before: bool) -> None:
    """Whoever asks to be told is told, also when the client had left before."""
    presence, calls = Presence(), []
    if before:
        presence.leave()
    presence.when_gone(lambda: calls.append("gone"))
    if not before:
        assert calls == []
        presence.leave()
    assert calls == ["gone"]
    assert presence.gone
