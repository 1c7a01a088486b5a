"""Objects of a pipeline described: components, instances and attempts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from coordinator.domain.definitions import PipelineObject
from coordinator.domain.evaluation import (
    Context,
    Evaluation,
    FieldError,
    context_of,
    evaluate_text,
    run_time_fields,
)
from coordinator.domain.expressions import Budget, ExpressionError
from coordinator.domain.preconditions import node_of
from coordinator.domain.secrets import MASK, masked, shown
from coordinator.domain.spelling import sentence_end
from coordinator.errors import InvalidRequestError
from coordinator.service import spheres
from coordinator.service.components import components_of, paused_components
from coordinator.service.contexts import fields_of
from coordinator.service.definitions import decode
from coordinator.service.timetables import schedule_fields
from coordinator.service.waiting import waiting_reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from coordinator.domain.definitions import Field
    from coordinator.service.contexts import Contexts
    from coordinator.service.sightings import Seen, Sightings
    from coordinator.store.instances import Record, StoredInstance
    from coordinator.store.pipelines import Pipelines

DESCRIBE_PAGE = 100
DESCRIBE_CHARACTERS = 8 << 20  # of a page, if it has more than one object
DESCRIBE_STEPS = 1_000_000  # of all objects of a page together


class Objects:
    """Use cases of DescribeObjects and EvaluateExpression."""

    def __init__(self, pipelines: Pipelines, contexts: Contexts, sightings: Sightings) -> None:
        self._pipelines = pipelines
        self._contexts = contexts
        self._sightings = sightings

    async def describe(
        self,
        account: str,
        pipeline_id: str,
        ids: Sequence[str],
        marker: str,
        *,
        evaluate: bool = False,
    ) -> tuple[list[PipelineObject], str]:
        """Describe a page of `ids`; also the next page's marker, or empty.

        A page ends after 100 objects, or before more than 8 MB.

        With `evaluate` expressions are shown evaluated, where an object has all that they name.

        Raises:
            InvalidRequestError: an id is unknown, or the marker is not ours.
            PipelineNotFoundError, PipelineDeletedError
        """
        first = read_offset(marker, len(ids), "DescribeObjects")
        work = Budget(DESCRIBE_STEPS) if evaluate else None
        page = ids[first : first + DESCRIBE_PAGE]
        pipeline = (await self._pipelines.living(account, pipeline_id)).pipeline
        wanted = [spheres.split_attempt(name) for name in page]
        rows = await self._pipelines.instances(account, pipeline_id, wanted)
        page = page[: _fitting(len(row.template) if row else 0 for row in rows)]
        found = await self._run_objects(account, pipeline_id, pipeline, page, rows, work)
        others = [name for name in page if name not in found]
        if others:
            found |= await self._components(account, pipeline_id, others, work)
        for name in others:
            if name not in found:
                raise _no_object(name)
        page = page[: _fitting(_size(found[name]) for name in page)]
        after = first + len(page)
        return [found[name] for name in page], str(after) if after < len(ids) else ""

    async def evaluate(self, account: str, pipeline_id: str, object_id: str, text: str) -> str:
        """Evaluate a text in the context of an object; masked if it depends on a secret.

        Raises:
            InvalidRequestError: the object is unknown, or the text has no value there.
            PipelineNotFoundError, PipelineDeletedError
        """
        await self._pipelines.living(account, pipeline_id)
        [stored] = await self._pipelines.instances(
            account, pipeline_id, [spheres.split_attempt(object_id)]
        )
        if stored is not None:
            context = await self._contexts.of(account, pipeline_id, stored.instance["version"])
            run_time, component = _run_time(pipeline_id, stored), stored.instance["component"]
            node = node_of(fields_of(stored.template))
        else:
            context = await self._latest(account, pipeline_id)
            run_time, component, node = {}, object_id, None
        if component not in context.objects:
            raise _no_object(object_id, "objectId")
        try:
            found = await asyncio.to_thread(
                evaluate_text, context, component, text, run_time, node=node
            )
        except ExpressionError as error:
            raise InvalidRequestError(
                f"The expression has no value: {sentence_end(error)}"
            ) from error
        return MASK if found.secret else found.text

    async def _latest(self, account: str, pipeline_id: str) -> Context:
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        return await asyncio.to_thread(lambda: context_of(decode(stored)))

    async def _components(
        self, account: str, pipeline_id: str, names: Sequence[str], work: Budget | None
    ) -> dict[str, PipelineObject]:
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        found = await asyncio.to_thread(components_of, pipeline_id, stored)
        some = [found[name] for name in names if name in found]
        if not some:
            return {}
        health = await self._pipelines.health(account, pipeline_id, [item.id for item in some])
        paused = await paused_components(self._pipelines, account, pipeline_id, stored.pipeline)
        scheduled = await schedule_fields(self._pipelines, account, pipeline_id, stored)
        described = {
            item.id: spheres.component_object(
                item, ended, scheduled.get(item.id, {}), paused=item.id in paused
            )
            for item, ended in zip(some, health, strict=True)
        }
        if work is not None:
            context = await asyncio.to_thread(lambda: context_of(decode(stored)))
            for name, item in described.items():
                fields = await asyncio.to_thread(_evaluated, context, name, item.fields, {}, work)
                described[name] = PipelineObject(item.id, item.name, tuple(fields))
        return described

    async def _run_objects(
        self,
        account: str,
        pipeline_id: str,
        pipeline: Record,
        names: Sequence[str],
        rows: Sequence[StoredInstance | None],
        work: Budget | None,
    ) -> dict[str, PipelineObject]:
        """Describe those of `names` that are instances or attempts."""
        seen: dict[str, Seen] = {}
        found = {}
        for name, row in zip(names, rows, strict=False):
            if row is None:
                continue
            _, number = spheres.split_attempt(name)
            definition = await self._definition(account, pipeline_id, row, work)
            if number:
                fields = spheres.attempt_fields(pipeline_id, row, number, definition)
            else:
                polled = await self._seen(account, row, seen)
                waiting = waiting_reason(pipeline, row, polled)
                fields = spheres.instance_fields(pipeline_id, row, waiting, definition)
            if fields is not None:
                found[name] = PipelineObject(name, name, tuple(fields))
        return found

    async def _seen(
        self, account: str, stored: StoredInstance, known: dict[str, Seen]
    ) -> Seen | None:
        """Return who polls the group of an instance that is ready, asked once for each group."""
        group = stored.instance["group"]
        if stored.instance["state"] != "ready":
            return None
        if group not in known:
            known[group] = await self._sightings.of(account, group)
        return known[group]

    async def _definition(
        self, account: str, pipeline_id: str, stored: StoredInstance, work: Budget | None
    ) -> list[Field]:
        """Return the fields of an instance's component, as they may be shown."""
        fields = [f for f in fields_of(stored.template) if not f.key.startswith("@")]
        if work is None or b"#{" not in stored.template:
            return list(map(masked, fields))
        record = stored.instance
        context = await self._contexts.of(account, pipeline_id, record["version"])
        return await asyncio.to_thread(
            _evaluated, context, record["component"], fields, _run_time(pipeline_id, stored), work
        )


def _evaluated(
    context: Context,
    object_id: str,
    fields: Sequence[Field],
    run_time: Mapping[str, datetime | str | int],
    work: Budget,
) -> list[Field]:
    """Evaluate the fields that have a value; the others stay as they are written."""
    evaluation = Evaluation(context, object_id, run_time, work, node=node_of(fields))
    found: list[Field] = []
    for field in fields:
        try:
            values = evaluation.of(field)
        except FieldError:
            found.append(masked(field))
        else:
            found += [shown(value.field, secret=value.secret) for value in values]
    return found


def _run_time(pipeline_id: str, stored: StoredInstance) -> dict[str, datetime | str | int]:
    record = stored.instance
    return run_time_fields(
        pipeline_id,
        record["id"],
        int(record["scheduled_ms"]),
        int(record["created_ms"]),
        int(record.get("scheduled_end_ms") or record["scheduled_ms"]),
    )


def _size(item: PipelineObject) -> int:
    return sum(len(f.key) + len(f.string_value or f.ref_value or "") for f in item.fields)


def _fitting(sizes: Iterable[int]) -> int:
    """Return how many of the first objects fit into a page: one at the least."""
    count = total = 0
    for size in sizes:
        total += size
        if count and total > DESCRIBE_CHARACTERS:
            break
        count += 1
    return count


def read_offset(marker: str, length: int, operation: str) -> int:
    """Read the marker of a page: how many came before it.

    Raises:
        InvalidRequestError: it is not one of ours.
    """
    if not marker:
        return 0
    if not (marker.isascii() and marker.isdecimal()) or int(marker) >= length:
        raise InvalidRequestError(f"Member 'marker' is not one that {operation} returned.")
    return int(marker)


def _no_object(name: str, member: str = "objectIds") -> InvalidRequestError:
    return InvalidRequestError(
        f"Member '{member}' names '{name[:64]}', which is not an object of this pipeline."
    )
