"""QueryObjects: ids of a sphere's objects that selectors match.

A page examines at most 2,000 instances, so it may be short, or empty, with more to come.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.times import iso
from coordinator.errors import InvalidRequestError
from coordinator.service import spheres
from coordinator.service.objects import components_of, read_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from coordinator.domain.definitions import Field
    from coordinator.store.pipelines import InstanceRow, Pipelines

EXAMINED = 2000
STORE_PAGE = 200
MAX_SELECTORS = 10
MAX_LIMIT = 1000
MAX_MARKER_DIGITS = 12
Row = dict[str, str]
TIME_FIELDS = {
    "@scheduledStartTime",
    "@scheduledEndTime",
    "@actualStartTime",
    "@actualEndTime",
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


def _comparable(field: str, value: str) -> str:
    """Spell alike what means the same: instants, and a word that has two spellings."""
    if field in TIME_FIELDS:
        return _instant(field, value)
    return "CANCELED" if field == "@status" and value.upper() == "CANCELLED" else value


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


OPERATORS: dict[str, Callable[[str, tuple[str, ...]], bool]] = {
    "EQ": lambda value, wanted: value in wanted,
    "REF_EQ": lambda value, wanted: value in wanted,
    "LE": lambda value, wanted: value <= wanted[0],
    "GE": lambda value, wanted: value >= wanted[0],
    "BETWEEN": lambda value, wanted: wanted[0] <= value <= wanted[1],
}
VALUES_NEEDED = {"LE": 1, "GE": 1, "BETWEEN": 2}


class Queries:
    """Use cases of QueryObjects."""

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines

    async def query(
        self,
        account: str,
        pipeline_id: str,
        sphere: str,
        conditions: Sequence[Condition],
        marker: str,
        limit: int,
    ) -> tuple[list[str], str]:
        """Return a page of ids, and the marker of the next page or an empty string.

        Raises:
            InvalidRequestError: an unknown sphere, a bad selector or marker.
            PipelineNotFoundError, PipelineDeletedError
        """
        if len(conditions) > MAX_SELECTORS:
            raise InvalidRequestError(f"A query has at most {MAX_SELECTORS} selectors.")
        conditions = [condition.checked() for condition in conditions]
        limit = min(limit, MAX_LIMIT)
        name = sphere.upper()
        if name == "COMPONENT":
            return await self._components(account, pipeline_id, conditions, marker, limit)
        if name not in {"INSTANCE", "ATTEMPT"}:
            raise InvalidRequestError(
                "Member 'sphere' must be one of COMPONENT, INSTANCE, ATTEMPT."
            )
        await self._pipelines.living(account, pipeline_id)
        attempts = name == "ATTEMPT"
        return await self._runs(account, pipeline_id, conditions, marker, limit, attempts=attempts)

    async def _components(
        self,
        account: str,
        pipeline_id: str,
        conditions: Sequence[Condition],
        marker: str,
        limit: int,
    ) -> tuple[list[str], str]:
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        components = await asyncio.to_thread(components_of, pipeline_id, stored)
        ids = [
            item.id
            for item in components.values()
            if _selected({"name": item.name, "@id": item.id} | _row(item.fields), conditions)
        ]
        first = read_offset(marker, len(ids), "QueryObjects")
        after = first + limit
        return ids[first:after], str(after) if after < len(ids) else ""

    async def _runs(
        self,
        account: str,
        pipeline_id: str,
        conditions: Sequence[Condition],
        marker: str,
        limit: int,
        *,
        attempts: bool,
    ) -> tuple[list[str], str]:
        """Page by instance number; an attempt's marker also says how many of it were given."""
        after, skip = _read_marker(marker)
        ids: list[str] = []
        for _ in range(EXAMINED // STORE_PAGE):
            page = await self._pipelines.page(account, pipeline_id, after, STORE_PAGE)
            made = _attempt_rows(page) if attempts else [[_instance_row(row)] for row in page]
            if attempts and conditions:
                await self._add_details(
                    account, pipeline_id, [row for rows in made for row in rows]
                )
            for instance, rows in zip(page, made, strict=True):
                for place, row in enumerate(rows[skip:], skip + 1):
                    if _selected(row, conditions):
                        ids.append(row["@id"])
                    if len(ids) == limit:
                        return ids, await self._next(account, pipeline_id, instance, rows, place)
                after, skip = instance.n, 0
            if len(page) < STORE_PAGE:
                return ids, ""
        return ids, await self._next(account, pipeline_id, page[-1], [], 0)

    async def _add_details(self, account: str, pipeline_id: str, rows: Sequence[Row]) -> None:
        """Add to each attempt what a description of it shows, to be selected by."""
        for first in range(0, len(rows), STORE_PAGE):
            some = rows[first : first + STORE_PAGE]
            wanted = [spheres.split_attempt(row["@id"]) for row in some]
            found = await self._pipelines.instances(account, pipeline_id, wanted)
            for row, (_, number), stored in zip(some, wanted, found, strict=True):
                if stored is not None:
                    row.update(_row(spheres.attempt_fields(pipeline_id, stored, number) or ()))

    async def _next(
        self, account: str, pipeline_id: str, last: InstanceRow, rows: Sequence[Row], place: int
    ) -> str:
        """Return the marker behind this place, or an empty string where nothing is behind it."""
        if place < len(rows):
            return f"{int(last.n) - 1}.{place}"
        more = await self._pipelines.page(account, pipeline_id, last.n, 1)
        return f"{last.n}.0" if more else ""


def _selected(row: Row, conditions: Sequence[Condition]) -> bool:
    return all(condition.holds(row) for condition in conditions)


def _row(fields: Iterable[Field]) -> Row:
    return {field.key: field.string_value or field.ref_value or "" for field in fields}


def _read_marker(marker: str) -> tuple[str, int]:
    parts = (marker or "0.0").split(".")
    known = len(parts) == 2 and all(  # noqa: PLR2004 - instance number and place
        part.isascii() and part.isdecimal() and len(part) <= MAX_MARKER_DIGITS for part in parts
    )
    if not known:
        raise InvalidRequestError("Member 'marker' is not one that QueryObjects returned.")
    return parts[0], int(parts[1])


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


def _instance_row(instance: InstanceRow) -> Row:
    row = {
        "@id": instance.id,
        "name": instance.id,
        "@sphere": "INSTANCE",
        "@componentParent": instance.component,
        "@status": spheres.status(instance.state, instance.status, instance.acked_ms),
        "@scheduledStartTime": iso(int(instance.scheduled_ms)),
        "@scheduledEndTime": iso(int(instance.scheduled_ms)),
        "@actualStartTime": iso(int(instance.created_ms)),
    }
    if instance.ended_ms:
        row["@actualEndTime"] = iso(int(instance.ended_ms))
    return row


def _attempt_rows(page: Sequence[InstanceRow]) -> list[list[Row]]:
    """Return the attempts of each instance, by id and name only."""
    return [
        [
            {"@id": name, "name": name}
            for number in range(1, int(instance.handed or 0) + 1)
            for name in [f"{instance.id}{spheres.ATTEMPT_MARK}{number}"]
        ]
        for instance in page
    ]
