"""The functions that expressions can call.

Source: the developer guide's page on date and time functions; `inTimeZone` is from an older edition
of it, `plusPeriod` from its page on SqlActivity. Names are case-sensitive.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.expressions import dates
from coordinator.domain.expressions.joda import format_date
from coordinator.domain.expressions.values import (
    Value,
    as_date,
    as_integer,
    as_text,
)

if TYPE_CHECKING:
    from datetime import datetime

Reader = Callable[[Value], Value]

_LONGEST_NAME = 50


class Function(NamedTuple):
    """How a function reads its arguments, and what it makes of them."""

    usage: str
    readers: tuple[Reader, ...]
    apply: Callable[..., Value]


def check_call(name: str, count: int) -> None:
    """Let a call pass whose function exists and takes `count` arguments.

    Raises:
        ValueError: it does not exist, or takes more or fewer.
    """
    if name not in FUNCTIONS:
        raise ValueError(_unknown(name))
    function = FUNCTIONS[name]
    wanted = len(function.readers)
    if count != wanted:
        values = "one value" if wanted == 1 else f"{wanted} values"
        raise ValueError(f"'{name}' takes {values}, not {count}: write {function.usage}")


def call(name: str, arguments: tuple[Value, ...]) -> Value:
    """What the function makes of as many arguments as it takes.

    Raises:
        ValueError: an argument is of another type than needed, or not in its range.
    """
    function = FUNCTIONS[name]
    try:
        values = [read(value) for read, value in zip(function.readers, arguments, strict=True)]
    except ValueError as error:
        raise ValueError(f"{error}; write {function.usage}") from error
    return function.apply(*values)


def _unknown(name: str) -> str:
    matches = get_close_matches(name[:_LONGEST_NAME], FUNCTIONS, 1)
    hint = f"did you mean '{matches[0]}'?" if matches else f"there are {', '.join(FUNCTIONS)}"
    return f"there is no function '{name[:_LONGEST_NAME]}': {hint}"


def _of_date(name: str, apply: Callable[[datetime], Value]) -> tuple[str, Function]:
    return name, Function(f"{name}(@scheduledStartTime)", (as_date,), apply)


def _shifting(sign: int, unit: str) -> tuple[str, Function]:
    name = f"{'plus' if sign > 0 else 'minus'}{unit.capitalize()}s"
    function = Function(
        f"{name}(@scheduledStartTime, 1)",
        (as_date, as_integer),
        lambda date, amount: dates.shift(date, sign * amount, unit),
    )
    return name, function


def _by_period(name: str, sign: int) -> tuple[str, Function]:
    function = Function(
        f"{name}(@scheduledStartTime, '1 day')",
        (as_date, as_text),
        lambda date, period: dates.shift_period(date, period, sign),
    )
    return name, function


_UNITS = ("minute", "hour", "day", "week", "month", "year")

FUNCTIONS: dict[str, Function] = dict(
    [
        _of_date("day", lambda date: date.day),
        _of_date("dayOfYear", lambda date: date.timetuple().tm_yday),
        _of_date("firstOfMonth", dates.first_of_month),
        _of_date("hour", lambda date: date.hour),
        _of_date("midnight", dates.midnight),
        _of_date("minute", lambda date: date.minute),
        _of_date("month", lambda date: date.month),
        _of_date("sunday", dates.sunday),
        _of_date("year", lambda date: date.year),
        _of_date("yesterday", lambda date: dates.shift(date, -1, "day")),
        *(_shifting(sign, unit) for sign in (1, -1) for unit in _UNITS),
        _by_period("plusPeriod", 1),
        _by_period("minusPeriod", -1),
    ]
) | {
    "format": Function(
        "format(@scheduledStartTime, 'YYYY-MM-dd')", (as_date, as_text), format_date
    ),
    "inTimeZone": Function(
        "inTimeZone(@scheduledStartTime, 'America/Los_Angeles')",
        (as_date, as_text),
        dates.in_time_zone,
    ),
    "makeDate": Function("makeDate(2011, 5, 24)", (as_integer,) * 3, dates.make_date),
    "makeDateTime": Function(
        "makeDateTime(2011, 5, 24, 14, 21)", (as_integer,) * 5, dates.make_date
    ),
}
