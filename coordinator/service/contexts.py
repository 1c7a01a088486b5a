"""What activated versions run, as their expressions need it: kept while there is room.

An activated version never changes, so a replica works it out once. A definition without expressions
costs nothing here.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from coordinator.domain.definitions import Definition, Field
from coordinator.domain.evaluation import (
    STEPS,
    Context,
    context_of,
    evaluate_fields,
    run_time_fields,
)
from coordinator.domain.expressions import Budget
from coordinator.domain.needs import needed_ids, needed_objects
from coordinator.domain.preconditions import node_of
from coordinator.errors import PipelineNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.evaluation import EvaluatedField, RunTime
    from coordinator.store.pipelines import Pipelines
    from coordinator.store.tasks import Claimed

Key = tuple[str, str, str]
MOST_BYTES = 32 << 20  # of definitions as JSON, and of what is inherited
INHERITED_BYTES = 8
EXPRESSION = b"#{"
_DEFINITION = msgspec.json.Decoder(Definition)
_FIELDS = msgspec.json.Decoder(tuple[Field, ...])


class Contexts:
    """The contexts of this replica, by account, pipeline and version."""

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines
        self._known: OrderedDict[Key, tuple[int, Context]] = OrderedDict()
        self._bytes = 0

    async def of(self, account: str, pipeline_id: str, version: str) -> Context:
        """Return the context of an activated version.

        Raises:
            PipelineNotFoundError: nothing is kept of it (any more).
        """
        key = (account, pipeline_id, version)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key][1]
        stored = await self._pipelines.staged_definition(*key)
        if not stored:
            raise PipelineNotFoundError(f"Pipeline '{pipeline_id}' does not exist.")
        context = await asyncio.to_thread(lambda: context_of(_DEFINITION.decode(stored)))
        fields = sum(len(item.fields) for item in context.objects.values())
        self._keep(key, len(stored) + INHERITED_BYTES * fields, context)
        return context

    async def object_of(
        self, account: str, claimed: Claimed
    ) -> tuple[tuple[Field, ...], tuple[PipelineObject, ...]]:
        """Return the fields of a claimed task's object, and the objects that its work needs.

        Expressions are evaluated, in all of them for the task's instance; those of a precondition
        with what has it, its `node`, which is among the objects. A task without
        expressions and without references costs no look at its definition.

        Raises:
            FieldError: one of them cannot be.
        """
        fields = fields_of(claimed.template)
        if EXPRESSION not in claimed.template and not needed_ids(fields):
            return fields, ()
        context = await self.of(account, claimed.pipeline_id, claimed.version)
        run_time = run_time_fields(
            claimed.pipeline_id,
            claimed.instance_id,
            claimed.scheduled_ms,
            claimed.created_ms,
            claimed.scheduled_end_ms,
        )
        # It may take half a second: other callers must not wait for that.
        return await asyncio.to_thread(_evaluated, context, claimed.component, fields, run_time)

    def _keep(self, key: Key, size: int, context: Context) -> None:
        if key in self._known:
            return
        self._known[key] = (size, context)
        self._bytes += size
        while self._bytes > MOST_BYTES and len(self._known) > 1:
            _, (gone, _) = self._known.popitem(last=False)
            self._bytes -= gone


def _evaluated(
    context: Context, component: str, fields: tuple[Field, ...], run_time: RunTime
) -> tuple[tuple[Field, ...], tuple[PipelineObject, ...]]:
    """Evaluate a component and what it needs: together they take no longer than two objects."""
    own = _plain(evaluate_fields(context, component, fields, run_time, node=node_of(fields)))
    budget = Budget(STEPS)
    return own, tuple(
        replace(
            item, fields=_plain(evaluate_fields(context, item.id, item.fields, run_time, budget))
        )
        for item in needed_objects(context.objects, fields)
    )


def _plain(found: Iterable[EvaluatedField]) -> tuple[Field, ...]:
    return tuple(item.field for item in found)


def fields_of(template: bytes) -> tuple[Field, ...]:
    """Read the fields of a component as they are stored."""
    return _FIELDS.decode(template) if template else ()
