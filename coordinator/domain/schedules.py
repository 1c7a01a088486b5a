"""Schedules: intervals one after another, numbered from 0, and when each begins.

Source: the developer guide's pages on schedules. Months are those of the calendar, counted from the
first start so that none slips: where a month is too short, its last day counts. Times are ms since
the epoch; `lua/lib/interval_start.lua` and `interval_at.lua` work out the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING, Final, Literal

from coordinator.domain.civil import YEAR_MONTHS, civil_date, first_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coordinator.domain.values import Period

Style = Literal["cron", "timeseries"]
Unit = Literal["second", "month"]

DAY_MS = 86_400_000
_CYCLE_MONTHS = 48  # a leap year among them
# 1 January 2000, and the days of that month that other months may lack.
_MONTH_STARTS = [(10_957 + day) * DAY_MS for day in (0, 28, 29, 30)]
_UNITS: Final[Mapping[str, tuple[Unit, int]]] = {
    "second": ("second", 1),
    "minute": ("second", 60),
    "hour": ("second", 3600),
    "day": ("second", 86_400),
    "week": ("second", 604_800),
    "month": ("month", 1),
    "year": ("month", YEAR_MONTHS),
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A Schedule object as activities of one style run on it.

    `start_ms` None is the pipeline's first activation. A period is `number` of `unit`. At most
    `window` intervals are unfinished at a time. Of the components `count` from `offset` on run.
    """

    name: str
    style: Style
    start_ms: int | None
    number: int
    unit: Unit
    end_ms: int | None = None
    occurrences: int | None = None
    window: int = 1
    offset: int = 0
    count: int = 0


def normalised(period: Period) -> tuple[int, Unit]:
    """The period in seconds or, on the calendar, in months: 7 days are a week."""
    unit, times = _UNITS[period.unit]
    return period.number * times, unit


def interval_start(schedule: Schedule, k: int, start_ms: int) -> int:
    """When interval `k` begins if the first one begins at `start_ms`."""
    if schedule.unit == "month":
        return _months_later(start_ms, k * schedule.number)
    return start_ms + k * schedule.number * 1000


def interval_at(schedule: Schedule, at_ms: int, start_ms: int) -> int:
    """The number of the interval that has a time in it; below 0 before the first."""
    if schedule.unit != "month":
        return (at_ms - start_ms) // (schedule.number * 1000)
    months = _month_of(at_ms) - _month_of(start_ms)
    k = months // schedule.number
    # The date may come later in its month.
    return k - 1 if interval_start(schedule, k, start_ms) > at_ms else k


def interval_count(schedule: Schedule, start_ms: int) -> int | None:
    """How many intervals there are; None if they go on for ever."""
    counts = [] if schedule.occurrences is None else [schedule.occurrences]
    if schedule.end_ms is not None:
        counts.append(max(0, interval_at(schedule, schedule.end_ms - 1, start_ms) + 1))
    return min(counts, default=None)


def overlapping(
    schedule: Schedule, k: int, start_ms: int, other: Schedule, other_start_ms: int
) -> range:
    """The intervals of `other` that overlap interval `k` of `schedule`."""
    begins = interval_start(schedule, k, start_ms)
    ends = interval_start(schedule, k + 1, start_ms)
    first = max(0, interval_at(other, begins, other_start_ms))
    after = max(first, interval_at(other, ends - 1, other_start_ms) + 1)
    count = interval_count(other, other_start_ms)
    return range(first, after if count is None else max(first, min(after, count)))


def most_overlapping(schedule: Schedule, other: Schedule) -> int:
    """How many intervals of `other` overlap one interval of `schedule` at the most.

    Where a start or a month is only known at run time, as many as there might be.
    """
    longest, shortest = max(_lengths(schedule)), min(_lengths(other))
    # If the interval begins so late in one of the other, it reaches the furthest into its last.
    latest = shortest - _step(schedule, other)
    most = (latest + longest - 1) // shortest + 1
    return most if other.occurrences is None else min(most, other.occurrences)


def _step(schedule: Schedule, other: Schedule) -> int:
    """How long before an end of `other` an interval of `schedule` begins at the latest, in s."""
    # Months begin whole days after the first one.
    steps = (one.number if one.unit == "second" else DAY_MS // 1000 for one in (schedule, other))
    common = gcd(*steps)
    if schedule.start_ms is None and other.start_ms is None:
        return common
    if schedule.start_ms is None or other.start_ms is None:
        return 1
    return common - (schedule.start_ms - other.start_ms) // 1000 % common


def _lengths(schedule: Schedule) -> set[int]:
    """The lengths in seconds that intervals can have."""
    if schedule.unit != "month":
        return {schedule.number}
    if schedule.start_ms is None:
        starts, step = _MONTH_STARTS, 1
    else:
        starts, step = [schedule.start_ms], schedule.number
    return {
        (_months_later(start, month + schedule.number) - _months_later(start, month)) // 1000
        for start in starts
        for month in range(0, _CYCLE_MONTHS * step, step)
    }


def _months_later(start_ms: int, months: int) -> int:
    day, of_day = divmod(start_ms, DAY_MS)
    month, of_month = civil_date(day)
    first, after = first_day(month + months), first_day(month + months + 1)
    return (first + min(of_month, after - first) - 1) * DAY_MS + of_day


def _month_of(at_ms: int) -> int:
    return civil_date(at_ms // DAY_MS)[0]
