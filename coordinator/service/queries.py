"""QueryObjects: ids of a sphere's objects that selectors match.

A page examines at most 2,000 instances, so it may be short, or empty, with more to come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.times import iso
from coordinator.errors import InvalidRequestError
from coordinator.service import spheres
from coordinator.service.definitions import decode
from coordinator.service.objects import read_offset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coordinator.store.pipelines import InstanceRow, Pipelines

EXAMINED = 2000
STORE_PAGE = 200
MAX_SELECTORS = 10
MAX_LIMIT = 1000
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

    def holds(self, row: Row) -> bool:
        """Whether an object with these fields is selected."""
        value = row.get(self.field)
        return value is not None and OPERATORS[self.operator](_plain(value), self.values)


def _plain(value: str) -> str:
    return "CANCELED" if value.upper() == "CANCELLED" else value


OPERATORS: dict[str, Callable[[str, tuple[str, ...]], bool]] = {
    "EQ": lambda value, wanted: value in map(_plain, wanted),
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
        _check(conditions)
        limit = min(limit, MAX_LIMIT)
        name = sphere.upper()
        if name == "COMPONENT":
            return await self._components(account, pipeline_id, conditions, marker, limit)
        if name not in {"INSTANCE", "ATTEMPT"}:
            raise InvalidRequestError(
                "Member 'sphere' must be one of COMPONENT, INSTANCE, ATTEMPT."
            )
        await self._pipelines.living(account, pipeline_id)
        rows = _instance_rows if name == "INSTANCE" else _attempt_rows
        return await self._runs(account, pipeline_id, rows, conditions, marker, limit)

    async def _components(
        self,
        account: str,
        pipeline_id: str,
        conditions: Sequence[Condition],
        marker: str,
        limit: int,
    ) -> tuple[list[str], str]:
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        ids = [
            item.id
            for item in decode(stored).pipeline_objects
            if all(
                condition.holds(
                    {"name": item.name, "@sphere": "COMPONENT", "@id": item.id}
                    | {f.key: f.string_value or f.ref_value or "" for f in item.fields}
                )
                for condition in conditions
            )
        ]
        first = read_offset(marker, len(ids), "QueryObjects")
        after = first + limit
        return ids[first:after], str(after) if after < len(ids) else ""

    async def _runs(
        self,
        account: str,
        pipeline_id: str,
        rows_of: Callable[[InstanceRow], list[Row]],
        conditions: Sequence[Condition],
        marker: str,
        limit: int,
    ) -> tuple[list[str], str]:
        """Page by instance number; an attempt's marker also says how many of it were given."""
        after, skip = _read_marker(marker)
        ids: list[str] = []
        for _ in range(EXAMINED // STORE_PAGE):
            page = await self._pipelines.page(account, pipeline_id, after, STORE_PAGE)
            for instance in page:
                rows = rows_of(instance)
                for place, row in enumerate(rows[skip:], skip + 1):
                    if all(condition.holds(row) for condition in conditions):
                        ids.append(row["@id"])
                    if len(ids) == limit:
                        return ids, await self._next(account, pipeline_id, instance, rows, place)
                after, skip = instance.n, 0
            if len(page) < STORE_PAGE:
                return ids, ""
        return ids, await self._next(account, pipeline_id, page[-1], [], 0)

    async def _next(
        self, account: str, pipeline_id: str, last: InstanceRow, rows: Sequence[Row], place: int
    ) -> str:
        """Return the marker behind this place, or an empty string where nothing is behind it."""
        if place < len(rows):
            return f"{int(last.n) - 1}.{place}"
        more = await self._pipelines.page(account, pipeline_id, last.n, 1)
        return f"{last.n}.0" if more else ""


def _read_marker(marker: str) -> tuple[str, int]:
    after, _, skip = (marker or "0.0").partition(".")
    if not (after.isascii() and after.isdecimal() and skip.isascii() and skip.isdecimal()):
        raise InvalidRequestError("Member 'marker' is not one that QueryObjects returned.")
    return after, int(skip)


def _check(conditions: Sequence[Condition]) -> None:
    if len(conditions) > MAX_SELECTORS:
        raise InvalidRequestError(f"A query has at most {MAX_SELECTORS} selectors.")
    for condition in conditions:
        needed = VALUES_NEEDED.get(condition.operator)
        if needed is None:
            continue
        if condition.field not in TIME_FIELDS:
            raise InvalidRequestError(
                f"Operator {condition.operator} compares times only, and '{condition.field}' is "
                "none of " + ", ".join(sorted(TIME_FIELDS)) + "."
            )
        if len(condition.values) != needed:
            raise InvalidRequestError(f"Operator {condition.operator} takes {needed} value(s).")


def _instance_rows(instance: InstanceRow) -> list[Row]:
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
    return [row]


def _attempt_rows(instance: InstanceRow) -> list[Row]:
    made = int(instance.handed or 0)
    shared = {
        "@sphere": "ATTEMPT",
        "@componentParent": instance.component,
        "@instanceParent": instance.id,
        "@scheduledStartTime": iso(int(instance.scheduled_ms)),
        "@scheduledEndTime": iso(int(instance.scheduled_ms)),
    }
    ids = [f"{instance.id}{spheres.ATTEMPT_MARK}{number}" for number in range(1, made + 1)]
    return [{**shared, "@id": name, "name": name} for name in ids]
