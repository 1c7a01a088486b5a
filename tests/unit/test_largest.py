"""Counting by names of which there may be any number."""

from __future__ import annotations

from itertools import chain, repeat

from hypothesis import given
from hypothesis import strategies as st

from coordinator.metrics.largest import HALVED_AFTER, MOST_KNOWN, OTHER, Largest


def name(group: object) -> tuple[str, str]:
    """Make a name."""
    return "account", str(group)


def named(counts: Largest) -> dict[str, int]:
    """The counts that have a name."""
    return {group: count for (_, group), count in counts.items() if (_, group) != OTHER}


def test_with_room_for_all() -> None:
    """Each has its name, and the rest is nothing."""
    counts = Largest(3)
    for group in "abcab":
        counts.add(name(group))
    assert dict(counts.items()) == {name("a"): 2, name("b"): 2, name("c"): 1, OTHER: 0}


@given(st.integers(1, 4), st.lists(st.integers(0, 9), max_size=200))
def test_each_is_counted_once(most: int, groups: list[int]) -> None:
    """One series rises by one, none falls, and no more than so many have names."""
    counts = Largest(most)
    for group in groups:
        before = dict(counts.items())
        counts.add(name(group))
        after = dict(counts.items())
        assert sum(count - before.get(each, 0) for each, count in after.items()) == 1
        assert all(count >= before.get(each, 0) for each, count in after.items())
        assert len(after) <= most + 1


def test_a_larger_one_takes_a_place() -> None:
    """From then on it has its own count; what it had before stays with the rest."""
    counts = Largest(1)
    for group in chain("aaa", "bbbbbb"):
        counts.add(name(group))
    assert dict(counts.items()) == {name("a"): 3, OTHER: 6}
    counts.add(name("b"))
    assert dict(counts.items()) == {name("b"): 1, OTHER: 6}
    for group in repeat("a", 12):
        counts.add(name(group))
    assert dict(counts.items()) == {name("a"): 1, OTHER: 17}


def test_those_of_one_size_do_not_take_turns() -> None:
    """Each change of places would hide a step from Prometheus."""
    counts = Largest(5)
    for _ in range(1000):
        for group in range(8):
            counts.add(name(group))
    assert named(counts).keys() == {str(group) for group in range(5)}
    assert dict(counts.items())[OTHER] == 3000


def test_who_comes_now_counts_more_than_who_came_once() -> None:
    """A group that was polled for months gives its place up in hours."""
    counts = Largest(1)
    for _ in range(10 * HALVED_AFTER):
        counts.add(name("old"))
    for _ in range(2 * HALVED_AFTER):
        counts.add(name("new"))
    assert named(counts).keys() == {"new"}


def test_names_without_end() -> None:
    """Of those without a place the smaller half is forgotten; a large one comes to its place."""
    counts = Largest(2)
    for group in range(5 * MOST_KNOWN):
        counts.add(name("large"))
        counts.add(name(group))
        counts.add(name(group))
    assert "large" in named(counts)
    assert len(counts._known) <= MOST_KNOWN
    assert sum(count for _, count in counts.items()) <= 15 * MOST_KNOWN
