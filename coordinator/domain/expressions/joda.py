"""DateTimes printed by Joda-Time patterns, in English.

Source: the documentation of Joda-Time's class DateTimeFormat, to which the developer guide's page
on date and time functions refers. `YYYY` is the year of era, `yyyy` the year; `hh` goes from 01 to
12, `HH` from 00 to 23. Long names of time zones (`zzzz`) are not known here, except that of UTC;
the zone's id stands for them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = 3
_FULL = 4
_PART = re.compile(
    r"(?P<letters>([A-Za-z])\2*+)|'(?P<quoted>(?:[^']++|'')*+)'|(?P<other>[^A-Za-z']++)"
)


def format_date(date: datetime, pattern: str) -> str:
    """Print `date` as `pattern` says.

    Raises:
        ValueError: a letter means nothing, or a quote is not closed.
    """
    pieces: list[str] = []
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if found is None:
            raise ValueError("the pattern has a quote that is not closed")
        pieces.append(_piece(date, found))
        at = found.end()
    return "".join(pieces)


def zone_id(date: datetime) -> str:
    """The id of the DateTime's time zone."""
    return "UTC" if date.tzinfo is UTC else str(date.tzinfo)


def _piece(date: datetime, found: re.Match[str]) -> str:
    letters, quoted = found["letters"], found["quoted"]
    if quoted is not None:
        return quoted.replace("''", "'") or "'"
    if letters is None:
        return found["other"]
    printer = _LETTERS.get(letters[0])
    if printer is None:
        raise ValueError(
            f"the pattern's letter '{letters[0]}' means nothing: put letters that are to be "
            f"printed in quotes of their own, as in \"yyyy-MM-dd'T'HH\""
        )
    return printer(date, len(letters))


def _number(of: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    """A number, filled up with zeros to as many digits as there are letters."""
    return lambda date, count: str(of(date)).zfill(count)


def _year(of: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    """A number, of which two letters print the last two digits."""

    def printed(date: datetime, count: int) -> str:
        two_digits = 2
        year = of(date) % 100 if count == two_digits else of(date)
        return str(year).zfill(count)

    return printed


def _month(date: datetime, count: int) -> str:
    if count < _SHORT:
        return str(date.month).zfill(count)
    name = _MONTHS[date.month - 1]
    return name[:_SHORT] if count == _SHORT else name


def _day_name(date: datetime, count: int) -> str:
    name = _DAYS[date.weekday()]
    return name if count >= _FULL else name[:_SHORT]


def _fraction(date: datetime, count: int) -> str:
    milliseconds = f"{date.microsecond // 1000:03}"
    return milliseconds[:count].ljust(count, "0")


def _zone_name(date: datetime, count: int) -> str:
    if count < _FULL:
        return date.tzname() or zone_id(date)
    return "Coordinated Universal Time" if zone_id(date) == "UTC" else zone_id(date)


def _offset(date: datetime, count: int) -> str:
    plain, colon = 1, 2
    if count > colon:
        return zone_id(date)
    digits = date.strftime("%z")[:5]
    return digits if count == plain else f"{digits[:3]}:{digits[3:]}"


_LETTERS: dict[str, Callable[[datetime, int], str]] = {
    "G": lambda _date, _count: "AD",
    "C": _number(lambda date: date.year // 100),
    "Y": _year(lambda date: date.year),
    "x": _year(lambda date: date.isocalendar().year),
    "w": _number(lambda date: date.isocalendar().week),
    "e": _number(datetime.isoweekday),
    "E": _day_name,
    "y": _year(lambda date: date.year),
    "D": _number(lambda date: date.timetuple().tm_yday),
    "M": _month,
    "d": _number(lambda date: date.day),
    "a": lambda date, _count: "AM" if date.hour < 12 else "PM",  # noqa: PLR2004 - noon
    "K": _number(lambda date: date.hour % 12),
    "h": _number(lambda date: date.hour % 12 or 12),
    "H": _number(lambda date: date.hour),
    "k": _number(lambda date: date.hour or 24),
    "m": _number(lambda date: date.minute),
    "s": _number(lambda date: date.second),
    "S": _fraction,
    "z": _zone_name,
    "Z": _offset,
}
