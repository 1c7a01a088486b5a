"""Simple values as definitions write them: numbers, true and false, periods.

Source: the developer guide's pages on simple data types and on the Schedule object. Each function
raises a ValueError whose message continues a sentence that begins with the field's name.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import NamedTuple

ONDEMAND_PERIOD = "ONDEMAND_PERIOD"

# The longest of each unit: three years.
_LONGEST = {
    "second": 3 * 366 * 86_400,
    "minute": 3 * 366 * 1440,
    "hour": 3 * 366 * 24,
    "day": 3 * 366,
    "week": 157,
    "month": 36,
    "year": 3,
}
_PERIOD = re.compile(r"\s*([0-9]{1,12})\s+([a-z]+?)s?\s*", re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class Period(NamedTuple):
    """So many of a unit: second, minute, hour, day, week, month or year."""

    number: int
    unit: str


def parse_period(text: str) -> Period:
    """A time between two runs; months and years are as long as the calendar has them."""
    form = _PERIOD.fullmatch(text)
    unit = form[2].lower() if form else ""
    if form is None or unit not in _LONGEST:
        raise ValueError("must be a number and a unit, such as '15 minutes' or '1 month'")
    number = int(form[1])
    if number < 1:
        raise ValueError("must be longer than nothing")
    if number > _LONGEST[unit]:
        raise ValueError("must be at most three years")
    return Period(number, unit)


def parse_schedule_period(text: str) -> Period | None:
    """A period, or None for the one that on-demand schedules have."""
    return None if text == ONDEMAND_PERIOD else parse_period(text)


def parse_integer(text: str) -> int:
    """A whole number of at most 18 digits."""
    digits = text.strip()  # more than what `int` strips
    if not _INTEGER.fullmatch(digits):
        raise ValueError("must be a whole number")
    return int(digits)


def parse_positive(text: str) -> int:
    """A whole number that counts something."""
    digits = text.strip()
    if not _INTEGER.fullmatch(digits) or int(digits) < 1:
        raise ValueError("must be a whole number from 1")
    return int(digits)


def parse_double(text: str) -> float:
    """A number with or without a fraction."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or "_" in text:
        raise ValueError("must be a number, such as '0.25'")
    return number


def parse_boolean(text: str) -> bool:
    """True or false, in any case."""
    word = text.strip().lower()
    if word not in {"true", "false"}:
        raise ValueError("must be 'true' or 'false'")
    return word == "true"
