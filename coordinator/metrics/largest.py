"""Counting by names of which there may be any number."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Name = tuple[str, str]
OTHER: Name = ("", "other")
MOST_KNOWN = 1000
HALVED_AFTER = 10_000


class Largest:
    """Counts of the `most` names that came most often; the rest are counted under `OTHER`.

    No count ever falls, as Prometheus needs it. Another name takes the place of the smallest once
    it has come more than twice as often (so that names of one size do not take turns), and its own
    count begins then: what it had before stays with the rest. What is past weighs half as much
    after every `HALVED_AFTER` names, so that a place goes to who comes now.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[Name, int] = {}
        self._sizes: dict[Name, int] = {}
        self._known: Counter[Name] = Counter()
        self._other = 0
        self._until_halved = HALVED_AFTER

    def add(self, name: Name) -> None:
        """Count one."""
        self._age()
        if name not in self._counts and not self._enter(name):
            self._other += 1
            return
        self._counts[name] += 1
        self._sizes[name] += 1

    def items(self) -> Iterator[tuple[Name, int]]:
        """The counts, that of the rest last."""
        yield from self._counts.items()
        yield OTHER, self._other

    def _enter(self, name: Name) -> bool:
        size = 1
        if len(self._counts) >= self._most:
            size = self._note(name)
            smallest = min(self._sizes, key=self._sizes.__getitem__)
            if size <= 2 * self._sizes[smallest]:
                return False
            self._known[smallest] = self._sizes.pop(smallest)
            del self._counts[smallest], self._known[name]
        self._counts[name], self._sizes[name] = 0, size - 1
        return True

    def _age(self) -> None:
        """Halve what names weigh, from time to time; no count is touched."""
        self._until_halved -= 1
        if not self._until_halved:
            self._until_halved = HALVED_AFTER
            for sizes in (self._sizes, self._known):
                for name in sizes:
                    sizes[name] //= 2

    def _note(self, name: Name) -> int:
        """Remember a name without a place; of too many the smaller half is forgotten."""
        self._known[name] += 1
        size = self._known[name]
        if len(self._known) > MOST_KNOWN:
            self._known = Counter(dict(self._known.most_common(MOST_KNOWN // 2)))
        return size
