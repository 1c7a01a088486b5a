"""Arithmetic on DateTimes.

Source: the developer guide's page on date and time functions; what it leaves open is as in
Joda-Time. Minutes and hours are lengths of time; days, weeks, months and years keep the time of the
day in the DateTime's zone, moved on where a change of the clocks leaves it out. Months end with
their last day.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OUTSIDE = "the DateTime lies outside the years 1 to 9999"
_LENGTHS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}
_PERIOD = re.compile(r"\s*([0-9]{1,9})\s+([a-z]+?)s?\s*", re.IGNORECASE)
_OFFSET = re.compile(r"([-+])([01][0-9]|2[0-3]):([0-5][0-9])")
_LONGEST_ZONE = 64
_SUNDAY = 7


def shift(date: datetime, amount: int, unit: str) -> datetime:
    """`date` moved by `amount` of a unit: minute, hour, day, week, month, year.

    Raises:
        ValueError: the result lies outside the years 1 to 9999.
    """
    try:
        if unit in _LENGTHS:
            return (date.astimezone(UTC) + amount * _LENGTHS[unit]).astimezone(date.tzinfo)
        if unit in _DAYS:
            return _existing(date + timedelta(days=amount * _DAYS[unit]))
        return _existing(_add_months(date, amount * _MONTHS[unit]))
    except OverflowError as error:
        raise ValueError(_OUTSIDE) from error


def shift_period(date: datetime, period: str, sign: int) -> datetime:
    """`date` moved by a period such as ``1 day`` or ``2 weeks``; back if `sign` is -1.

    Raises:
        ValueError: it is no period, or the result lies outside the years 1 to 9999.
    """
    found = _PERIOD.fullmatch(period)
    unit = found[2].lower() if found else ""
    if found is None or unit not in _LENGTHS | _DAYS | _MONTHS:
        raise ValueError(
            "a period must be a number of minutes, hours, days, weeks, months or years, such as "
            "'1 day'"
        )
    return shift(date, sign * int(found[1]), unit)


def in_time_zone(date: datetime, zone: str) -> datetime:
    """The same moment in the time zone with the id `zone`, or at an offset such as ``+02:00``.

    Raises:
        ValueError: there is no such time zone.
    """
    try:
        return date.astimezone(_zone(zone))
    except OverflowError as error:
        raise ValueError(_OUTSIDE) from error


def midnight(date: datetime) -> datetime:
    """The midnight with which the DateTime's day begins."""
    return _existing(date.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))


def first_of_month(date: datetime) -> datetime:
    """The same time of the day on the first of the month."""
    return _existing(date.replace(day=1))


def sunday(date: datetime) -> datetime:
    """The same time of the day on the Sunday before, or the DateTime itself on a Sunday."""
    return shift(date, -(date.isoweekday() % _SUNDAY), "day")


def make_date(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """The DateTime in UTC.

    Raises:
        ValueError: no calendar has it.
    """
    try:
        return datetime(year, month, day, hour, minute, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            "there is no such date: the year must be 1 to 9999, then come month, day, hour, minute"
        ) from error


def _add_months(date: datetime, months: int) -> datetime:
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise ValueError(_OUTSIDE)
    last = monthrange(year, month + 1)[1]
    return date.replace(year=year, month=month + 1, day=min(date.day, last))


def _existing(date: datetime) -> datetime:
    """`date`, or the time that clocks show when they have skipped it."""
    if date.tzinfo is UTC:
        return date
    try:
        return date.astimezone(UTC).astimezone(date.tzinfo)
    except OverflowError as error:
        raise ValueError(_OUTSIDE) from error


def _zone(name: str) -> tzinfo:
    if offset := _OFFSET.fullmatch(name):
        minutes = int(offset[1] + "1") * (int(offset[2]) * 60 + int(offset[3]))
        return timezone(timedelta(minutes=minutes))
    try:
        if len(name) <= _LONGEST_ZONE:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError("there is no such time zone: write one such as 'America/Los_Angeles' or 'UTC'")
