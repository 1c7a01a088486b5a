"""The rule about activities that wait for very many intervals of other schedules."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from coordinator.domain.dependencies import dependencies
from coordinator.domain.schedules import most_overlapping
from coordinator.domain.timetable import schedule_name, schedule_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.view import DefinitionView

MOST_OVERLAPPING = 2000


def crowded_intervals(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """An instance does not wait for more than `MOST_OVERLAPPING` instances on other schedules."""
    names = {item.id: schedule_name(view, item) for item in view.activities}
    if len(set(names.values())) == 1:
        return

    @cache
    def most(name: str, other: str) -> int:
        return _most(view, name, other)

    for activity, others in dependencies(view).items():
        waits = sum(most(names[activity], names[other]) for other in others)
        if waits > MOST_OVERLAPPING:
            yield (
                activity,
                (
                    f"An interval of the activity would wait for {waits:,} intervals of activities "
                    f"on other schedules, where at most {MOST_OVERLAPPING:,} are possible."
                ),
            )


def _most(view: DefinitionView, name: str, other: str) -> int:
    """How many instances on the schedule `other` one on `name` waits for; 0: it cannot be told."""
    if not name or not other or name == other:
        return 0
    try:
        return most_overlapping(schedule_of(view, name), schedule_of(view, other))
    except (IndexError, KeyError, ValueError):
        return 0  # another rule has looked at it, or the activation will
