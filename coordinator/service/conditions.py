"""The selectors of a query: what each compares, and in which index to look first.

Source: QueryObjects in the API's model. Times are compared as instants, in seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from coordinator.errors import InvalidRequestError
from coordinator.service.spheres import places_of
from coordinator.store.instances import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from coordinator.domain.definitions import Field

MAX_SELECTORS = 10
Row = dict[str, str]
TIME_FIELDS = {
    "@scheduledStartTime",
    "@scheduledEndTime",
    "@actualStartTime",
    "@actualEndTime",
}
TIME_INDEXES = {
    "@scheduledStartTime": "scheduled",
    "@actualStartTime": "started",
}
# What is known of an instance without a look at its definition.
ROW_FIELDS = TIME_FIELDS | {"@id", "name", "@sphere", "@componentParent", "@status"}
VALUES_NEEDED = {"LE": 1, "GE": 1, "BETWEEN": 2}
OPERATORS: dict[str, Callable[[str, tuple[str, ...]], bool]] = {
    "EQ": lambda value, wanted: value in wanted,
    "REF_EQ": lambda value, wanted: value in wanted,
    "LE": lambda value, wanted: value <= wanted[0],
    "GE": lambda value, wanted: value >= wanted[0],
    "BETWEEN": lambda value, wanted: wanted[0] <= value <= wanted[1],
}


class Condition(NamedTuple):
    """One selector: all must hold. A field that is not set matches nothing."""

    field: str
    operator: str
    values: tuple[str, ...]

    def checked(self) -> Condition:
        """Return the condition with its values in the form in which fields are compared.

        Raises:
            InvalidRequestError: the operator is not for this field, or not for so many values.
        """
        _check_operator(self)
        return self._replace(values=tuple(_comparable(self.field, value) for value in self.values))

    def holds(self, row: Row) -> bool:
        """Whether an object with these fields is selected by this condition, once checked."""
        value = row.get(self.field)
        if value is None:
            return False
        return OPERATORS[self.operator](_comparable(self.field, value), self.values)


def check(conditions: Sequence[Condition]) -> list[Condition]:
    """Return the conditions ready to be compared.

    Raises:
        InvalidRequestError: there are more than 10, or one makes no sense.
    """
    if len(conditions) > MAX_SELECTORS:
        raise InvalidRequestError(f"A query has at most {MAX_SELECTORS} selectors.")
    return [condition.checked() for condition in conditions]


def selected(row: Row, conditions: Sequence[Condition]) -> bool:
    """Whether all conditions hold for an object."""
    return all(condition.holds(row) for condition in conditions)


def row_of(fields: Iterable[Field]) -> Row:
    """Return fields by their keys, to be compared."""
    return {field.key: field.string_value or field.ref_value or "" for field in fields}


def narrowest(conditions: Sequence[Condition]) -> Search | None:
    """Return where to look for instances; None: among all.

    A time that is bounded on both sides goes before a status, and that before half a bound.
    """
    times = [c for c in conditions if c.field in TIME_INDEXES and c.values]
    bounded = [c for c in times if c.operator not in {"LE", "GE"}]
    statuses = [c for c in conditions if c.field == "@status"]
    if statuses and not bounded:
        return Search("members", _places(statuses[0].values))
    return _by_time((bounded or times)[0]) if times else None


def _places(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place for name in names for place in places_of(name)))


def _by_time(condition: Condition) -> Search:
    """Look in an index of times, which has ms where the fields have seconds."""
    first, last = min(condition.values), max(condition.values)
    from_ms = "-inf" if condition.operator == "LE" else str(_ms(first))
    to_ms = "+inf" if condition.operator == "GE" else str(_ms(last) + 999)
    return Search(TIME_INDEXES[condition.field], from_ms=from_ms, to_ms=to_ms)


def _ms(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp()) * 1000


def _comparable(field: str, value: str) -> str:
    """Spell alike what means the same: instants, and a word that has two spellings."""
    if field in TIME_FIELDS:
        return _instant(field, value)
    if field == "@status":
        return "CANCELED" if value.upper() == "CANCELLED" else value.upper()
    return value


def _instant(field: str, text: str) -> str:
    """Read a date or a time, UTC where it names no zone, as callers send both."""
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequestError(
            f"Operator values of '{field}' must be times such as 2012-12-12T00:00:00."
        ) from None
    return at.isoformat(timespec="microseconds")


def _check_operator(condition: Condition) -> None:
    needed = VALUES_NEEDED.get(condition.operator)
    if needed is None:
        return
    if condition.field not in TIME_FIELDS:
        raise InvalidRequestError(
            f"Operator {condition.operator} compares times only, and '{condition.field}' is "
            "none of " + ", ".join(sorted(TIME_FIELDS)) + "."
        )
    if len(condition.values) != needed:
        raise InvalidRequestError(f"Operator {condition.operator} takes {needed} value(s).")
