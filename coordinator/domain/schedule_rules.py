"""Rules about schedules. Each yields the id of an object and what keeps it from being run.

What an expression decides is left for the activation, when it is looked at again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.control_fields import SCHEDULE, SCHEDULE_FIELDS
from coordinator.domain.expressions import has_expression
from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.spelling import listed
from coordinator.domain.timetable import ONDEMAND, UNDECIDED, schedule_name, style_of, time_ms
from coordinator.domain.values import ONDEMAND_PERIOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.view import DefinitionView

ONDEMAND_START = "ondemand_activation_time"
STYLES = frozenset({"cron", "timeseries"})
ALTERNATIVES = (("startDateTime", "startAt"), ("endDateTime", "occurrences"))


def activities_out_of_step(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Either all activities run on demand, or each has a schedule."""
    leader = next(_scheduled(view), None)
    for item in view.activities:
        style = style_of(view, item)
        if style == ONDEMAND and leader:
            yield (
                item.id,
                (
                    f"The activity runs on demand, and '{leader.id}' on a schedule: a pipeline has "
                    "activities of one kind."
                ),
            )
        elif style not in {ONDEMAND, UNDECIDED} and not item.refs("schedule"):
            if leader:
                yield item.id, f"The activity needs a 'schedule', since '{leader.id}' has one."
            elif style in STYLES:
                yield item.id, f"'scheduleType' is '{style}', and there is no 'schedule'."


def unusable_schedules(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What an activity runs on is a Schedule, and not one that is for pipelines on demand."""
    used: dict[str, str] = {}
    for item in _scheduled(view):
        used.setdefault(item.refs("schedule")[0], item.id)
    for ref, user in used.items():
        schedule = view.inherited.get(ref)
        if schedule is None:
            continue  # another rule has looked at it
        if view.types[ref] and view.types[ref] not in OBJECT_TYPES:
            yield user, f"'schedule' refers to '{ref}', which is not a Schedule."
        if ONDEMAND_PERIOD in schedule.strings("period"):
            yield ref, f"The period {ONDEMAND_PERIOD} is for 'scheduleType' ondemand."
        elif any(text.lower() == ONDEMAND_START for text in schedule.strings("startAt")):
            yield ref, f"'startAt' {ONDEMAND_START.upper()} is for the period {ONDEMAND_PERIOD}."


def ambiguous_schedules(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Of fields that say the same in different ways one is given."""
    for item in _schedules(view):
        for group in ALTERNATIVES:
            if all(any(field.key == key for field in item.fields) for key in group):
                yield item.id, f"Only one of {listed(group)} can be used: remove the other."


def secret_schedules(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """When something runs is seen by everybody."""
    secrets = {f"*{key}" for key in SCHEDULE_FIELDS}
    for item in _schedules(view):
        for key in dict.fromkeys(field.key for field in item.fields if field.key in secrets):
            yield item.id, f"'{key}' of a Schedule cannot be a secret: call it '{key[1:]}'."


def ends_before_starts(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A schedule has an interval at least."""
    for item in _schedules(view):
        start, end = _time(item, "startDateTime"), _time(item, "endDateTime")
        if start is not None and end is not None and end <= start:
            yield item.id, "'endDateTime' must be later than 'startDateTime'."


def _scheduled(view: DefinitionView) -> Iterator[PipelineObject]:
    """The activities that are known to run on a schedule."""
    for item in view.activities:
        if schedule_name(view, item) and style_of(view, item) != UNDECIDED:
            yield item


def _schedules(view: DefinitionView) -> Iterator[PipelineObject]:
    return (item for item in view.inherited.values() if view.types[item.id] == SCHEDULE)


def _time(item: PipelineObject, key: str) -> int | None:
    return read(item, key, time_ms)


def read(item: PipelineObject, key: str, parse: Callable[[str], int]) -> int | None:
    """The value of a field, where it is there and can be read already."""
    text = next(iter(item.strings(key)), "")
    if not text or has_expression(text):
        return None
    try:
        return parse(text)
    except ValueError:
        return None  # another rule has looked at it


SCHEDULE_RULES = (
    activities_out_of_step,
    unusable_schedules,
    ambiguous_schedules,
    secret_schedules,
    ends_before_starts,
)
