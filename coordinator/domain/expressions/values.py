"""Values of expressions: what they are, how they are read from text, and how they are printed.

Source: the developer guide's page on simple data types. The fields of a definition are texts; one
that looks like a number or a DateTime is one where a number or a DateTime is needed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_INTEGER = (1 << 63) - 1
MIN_INTEGER = -1 << 63
_LONGEST_NUMBER = 400
_NUMBER = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))\s*")
_DATE_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z?")


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A reference to an object; its scope is None if the definition has no such object."""

    id: str
    scope: Scope | None


Value = str | int | float | datetime | ObjectRef


class Found(NamedTuple):
    """The values of a field, at least one.

    Texts among them are evaluated in `scope`, or taken as they stand if it is None.
    """

    values: tuple[Value, ...]
    scope: Scope | None = None
    secret: bool = False


class Scope(Protocol):
    """An object whose fields an expression can name."""

    @property
    def label(self) -> str:
        """What messages call the object."""

    def field(self, name: str) -> Found | None:
        """The field called `name`, or None if there is none."""

    def known(self) -> Iterable[str]:
        """Names of fields, for suggestions."""


def parse_number(text: str) -> int | float:
    """The number that `text` writes.

    Raises:
        ValueError: it writes none, or one that is too large.
    """
    found = _NUMBER.fullmatch(text[:_LONGEST_NUMBER])
    if found is None:
        raise ValueError("the text is not a number: write one such as 3 or 0.5")
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("the number is too long")
    return checked(float(found[1]) if "." in found[1] else int(found[1]))


def checked(number: float) -> int | float:
    """`number`, if it is one that expressions can hold.

    Raises:
        ValueError: it is too large.
    """
    if isinstance(number, float):
        if not math.isfinite(number):
            raise ValueError("the number is too large")
    elif not MIN_INTEGER <= number <= MAX_INTEGER:
        raise ValueError(f"the number is too large: a whole number is at most {MAX_INTEGER}")
    return number


def as_number(value: Value) -> int | float:
    """`value` as a number.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return parse_number(value)
    raise ValueError(f"{describe(value)} is not a number")


def as_integer(value: Value) -> int:
    """`value` as a whole number.

    Raises:
        ValueError: it is none.
    """
    number = as_number(value)
    if isinstance(number, int):
        return number
    raise ValueError("a number with a fraction stands where a whole number is needed")


def as_date(value: Value) -> datetime:
    """`value` as a DateTime; one without a time zone is in UTC.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str) and _DATE_TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC)
        except ValueError as error:
            raise ValueError("the text is a date or time that no calendar has") from error
    raise ValueError(
        f"{describe(value)} is not a DateTime: it must be one such as 2011-05-24T17:10:00"
    )


def as_text(value: Value) -> str:
    """`value` as it is printed: a DateTime as ``YYYY-MM-DDTHH:MM:SS`` in its own time zone."""
    match value:
        case datetime():
            return value.replace(tzinfo=None).isoformat(timespec="seconds")
        case ObjectRef():
            return value.id
        case _:
            return str(value)


def describe(value: Value) -> str:
    """What kind of value it is, without the value itself, which may be a secret."""
    match value:
        case str():
            return "a DateTime" if _DATE_TIME.fullmatch(value) else "a text"
        case int() | float():
            return "a number"
        case datetime():
            return "a DateTime"
        case _:
            return "a reference"
