"""Which schedule each activity of a definition runs on, and in which style.

Source: the developer guide's pages on schedules. `schedule` and `scheduleType` may be inherited; an
activity that has a schedule and no type runs at the end of each interval.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, cast

from coordinator.domain.concurrency import KEY as MAX_ACTIVE
from coordinator.domain.concurrency import parse_active_instances
from coordinator.domain.expressions import has_expression
from coordinator.domain.schedules import Schedule, normalised
from coordinator.domain.times import parse_time
from coordinator.domain.values import ONDEMAND_PERIOD, parse_period, parse_positive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coordinator.domain.components import Component
    from coordinator.domain.definitions import Field, PipelineObject
    from coordinator.domain.schedules import Style
    from coordinator.domain.view import DefinitionView

ONDEMAND = "ondemand"
TIMESERIES = "timeseries"
# An expression decides, which has its value at activation.
UNDECIDED = "?"


def style_of(view: DefinitionView, item: PipelineObject) -> str:
    """The `scheduleType` that an activity runs by, in lower case.

    Empty: neither a type nor a schedule is given, so it runs on demand too.
    """
    said = next(iter(item.strings("scheduleType")), "").lower()
    if said:
        return UNDECIDED if has_expression(said) else said
    schedules = item.refs("schedule")
    if not schedules:
        return ""
    schedule = view.inherited.get(schedules[0])
    periods = schedule.strings("period") if schedule else []
    if ONDEMAND_PERIOD in periods:
        return ONDEMAND
    return UNDECIDED if any(map(has_expression, periods)) else TIMESERIES


def schedule_name(view: DefinitionView, item: PipelineObject) -> str:
    """The schedule of an activity, `<style>/<Schedule id>`; empty: it runs on demand."""
    style, schedules = style_of(view, item), item.refs("schedule")
    return f"{style}/{schedules[0]}" if schedules and style != ONDEMAND else ""


def compile_schedules(
    view: DefinitionView, components: Iterable[Component], active_intervals: int
) -> list[Schedule]:
    """The schedules that components run on, in their order; none for a pipeline on demand.

    `active_intervals` is the window of a schedule whose activities say nothing of theirs.

    Raises:
        KeyError, ValueError: the definition is not valid, or has expressions in its schedules.
    """
    found: list[Schedule] = []
    offset = 0
    for name, run in groupby(components, lambda component: component.schedule):
        parts = list(run)
        if name:
            window = min(_windows(parts), default=active_intervals)
            found.append(schedule_of(view, name, window=window, offset=offset, count=len(parts)))
        offset += len(parts)
    return found


def schedule_of(
    view: DefinitionView, name: str, *, window: int = 1, offset: int = 0, count: int = 0
) -> Schedule:
    """The schedule of a name that `schedule_name` gives.

    Raises:
        IndexError, KeyError, ValueError: it is not valid, or has expressions.
    """
    style, _, object_id = name.partition("/")
    item = view.inherited[object_id]
    number, unit = normalised(parse_period(item.strings("period")[0]))
    return Schedule(
        name=name,
        style=cast("Style", style),
        start_ms=next(map(time_ms, item.strings("startDateTime")), None),
        number=number,
        unit=unit,
        end_ms=next(map(time_ms, item.strings("endDateTime")), None),
        occurrences=next(map(parse_positive, item.strings("occurrences")), None),
        window=window,
        offset=offset,
        count=count,
    )


def time_ms(text: str) -> int:
    """A time of a definition in ms since the epoch.

    Raises:
        ValueError: it is none; the message continues a sentence begun by its field's name.
    """
    return int(parse_time(text).timestamp()) * 1000


def _windows(components: Iterable[Component]) -> list[int]:
    fields = (f for component in components if not component.precondition for f in component.fields)
    return [parse_active_instances(_text(field)) for field in fields if field.key == MAX_ACTIVE]


def _text(field: Field) -> str:
    return field.string_value or ""
