"""QueryObjects: ids of a sphere's objects that selectors match.

A page examines at most 2,000 instances, so it may be short, or empty, with more to come. Which ones
is a matter of indexes (by status, by time): nothing looks through all of a pipeline's history.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from coordinator.domain.secrets import masked
from coordinator.domain.times import iso
from coordinator.errors import InvalidRequestError
from coordinator.service import spheres
from coordinator.service.components import components_of, paused_components
from coordinator.service.conditions import ROW_FIELDS, check, narrowest, row_of, selected
from coordinator.service.contexts import fields_of
from coordinator.service.objects import read_offset

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from coordinator.domain.definitions import Field
    from coordinator.service.conditions import Condition, Row
    from coordinator.store.instances import InstanceRow, Search, StoredInstance
    from coordinator.store.pipelines import Pipelines

EXAMINED = 2000
STORE_PAGE = 200
MAX_LIMIT = 1000
MAX_MARKER_DIGITS = 12


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
        conditions, limit = check(conditions), min(limit, MAX_LIMIT)
        name = sphere.upper()
        if name == "COMPONENT":
            return await self._components(account, pipeline_id, conditions, marker, limit)
        if name not in {"INSTANCE", "ATTEMPT"}:
            raise InvalidRequestError(
                "Member 'sphere' must be one of COMPONENT, INSTANCE, ATTEMPT."
            )
        pipeline = (await self._pipelines.living(account, pipeline_id)).pipeline
        paused = await paused_components(self._pipelines, account, pipeline_id, pipeline)
        after, skip = _read_marker(marker)
        run = _Page(self._pipelines, account, pipeline_id, conditions, limit, paused)
        return await run.read(after, skip, attempts=name == "ATTEMPT")

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
            if selected({"name": item.name, "@id": item.id} | row_of(item.fields), conditions)
        ]
        first = read_offset(marker, len(ids), "QueryObjects")
        after = first + limit
        return ids[first:after], str(after) if after < len(ids) else ""


class _Page:
    """One page of instances or attempts of a pipeline."""

    def __init__(
        self,
        pipelines: Pipelines,
        account: str,
        pipeline_id: str,
        conditions: Sequence[Condition],
        limit: int,
        paused: AbstractSet[str],
    ) -> None:
        self._pipelines = pipelines
        self._of = (account, pipeline_id)
        self._conditions = conditions
        self._limit = limit
        self._paused = paused
        self._search: Search | None = None

    async def read(self, after: str, skip: int, *, attempts: bool) -> tuple[list[str], str]:
        """Page by instance; an attempt's marker also says how many of it were given."""
        if not attempts:
            self._search = narrowest(self._conditions)
        ids: list[str] = []
        for _ in range(EXAMINED // STORE_PAGE):
            page = await self._next_rows(after, STORE_PAGE)
            made = await self._rows(page, attempts=attempts)
            for instance, rows in zip(page, made, strict=True):
                for place, row in enumerate(rows[skip:], skip + 1):
                    if selected(row, self._conditions):
                        ids.append(row["@id"])
                    if len(ids) == self._limit:
                        return ids, await self._marker(page, instance, rows, place)
                after, skip = instance.n, 0
            if len(page) < STORE_PAGE:
                return ids, ""
        return ids, await self._marker(page, page[-1], [], 0)

    async def _next_rows(self, after: str, limit: int) -> list[InstanceRow]:
        if self._search is None:
            return await self._pipelines.page(*self._of, after, limit)
        return await self._pipelines.find(*self._of, self._search, after, limit)

    async def _rows(self, page: Sequence[InstanceRow], *, attempts: bool) -> list[list[Row]]:
        """Return what is to be compared of each instance, or of each of its attempts."""
        if attempts:
            made = [_attempt_rows(instance) for instance in page]
        else:
            made = [[_instance_row(row, paused=row.component in self._paused)] for row in page]
        wanted = {condition.field for condition in self._conditions}
        if wanted and (attempts or wanted - ROW_FIELDS):
            await self._add_details([row for rows in made for row in rows])
        return made

    async def _add_details(self, rows: Sequence[Row]) -> None:
        """Add to each what a description of it shows, to be selected by."""
        known: dict[bytes, list[Field]] = {}
        for first in range(0, len(rows), STORE_PAGE):
            some = rows[first : first + STORE_PAGE]
            wanted = [spheres.split_attempt(row["@id"]) for row in some]
            found = await self._pipelines.instances(*self._of, wanted)
            for row, (_, number), stored in zip(some, wanted, found, strict=True):
                if stored is not None:
                    if stored.template not in known:
                        known[stored.template] = await asyncio.to_thread(_shown, stored.template)
                    details = self._details(stored, number, known[stored.template])
                    row.update(details | row)

    def _details(self, stored: StoredInstance, number: int, definition: Sequence[Field]) -> Row:
        pipeline_id = self._of[1]
        if not number:
            return row_of(spheres.instance_fields(pipeline_id, stored, "", definition))
        return row_of(spheres.attempt_fields(pipeline_id, stored, number, definition) or ())

    async def _marker(
        self, page: Sequence[InstanceRow], last: InstanceRow, rows: Sequence[Row], place: int
    ) -> str:
        """Return the marker behind this place, or an empty string where nothing is behind it."""
        if place < len(rows):
            before = page.index(last) - 1
            return f"{page[before].n if before >= 0 else int(last.n) - 1}.{place}"
        more = await self._next_rows(last.n, 1)
        return f"{last.n}.0" if more else ""


def _shown(template: bytes) -> list[Field]:
    """Return the fields of a component that are its own, as they may be shown."""
    return [masked(field) for field in fields_of(template) if not field.key.startswith("@")]


def _read_marker(marker: str) -> tuple[str, int]:
    parts = (marker or "0.0").split(".")
    known = len(parts) == 2 and all(  # noqa: PLR2004 - instance number and place
        part.isascii() and part.isdecimal() and len(part) <= MAX_MARKER_DIGITS for part in parts
    )
    if not known:
        raise InvalidRequestError("Member 'marker' is not one that QueryObjects returned.")
    return parts[0], int(parts[1])


def _instance_row(instance: InstanceRow, *, paused: bool) -> Row:
    row = {
        "@id": instance.id,
        "name": instance.id,
        "@sphere": "INSTANCE",
        "@componentParent": instance.component,
        "@status": spheres.status(
            instance.state, instance.status, instance.acked_ms, paused=paused
        ),
        "@scheduledStartTime": iso(int(instance.scheduled_ms)),
        "@scheduledEndTime": iso(int(instance.scheduled_end_ms)),
        "@actualStartTime": iso(int(instance.created_ms)),
    }
    if instance.ended_ms:
        row["@actualEndTime"] = iso(int(instance.ended_ms))
    return row


def _attempt_rows(instance: InstanceRow) -> list[Row]:
    """Return the attempts of an instance, by id and name only."""
    names = [
        f"{instance.id}{spheres.ATTEMPT_MARK}{number}"
        for number in range(1, int(instance.handed or 0) + 1)
    ]
    return [{"@id": name, "name": name} for name in names]
