"""What activated versions run, as their expressions need it: kept while there is room.

An activated version never changes, so a replica works it out once. A definition without expressions
costs nothing here.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from coordinator.domain.definitions import Definition, Field
from coordinator.domain.evaluation import Context, context_of, evaluate_fields, run_time_fields
from coordinator.errors import PipelineNotFoundError

if TYPE_CHECKING:
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

    async def object_of(self, account: str, claimed: Claimed) -> tuple[Field, ...]:
        """Return the fields of a claimed task's object, its expressions evaluated.

        Raises:
            FieldError: one of them cannot be.
        """
        fields = fields_of(claimed.template)
        if EXPRESSION not in claimed.template:
            return fields
        context = await self.of(account, claimed.pipeline_id, claimed.version)
        run_time = run_time_fields(
            claimed.pipeline_id, claimed.instance_id, claimed.scheduled_ms, claimed.created_ms
        )
        # It may take half a second: other callers must not wait for that.
        found = await asyncio.to_thread(
            evaluate_fields, context, claimed.component, fields, run_time
        )
        return tuple(item.field for item in found)

    def _keep(self, key: Key, size: int, context: Context) -> None:
        if key in self._known:
            return
        self._known[key] = (size, context)
        self._bytes += size
        while self._bytes > MOST_BYTES and len(self._known) > 1:
            _, (gone, _) = self._known.popitem(last=False)
            self._bytes -= gone


def fields_of(template: bytes) -> tuple[Field, ...]:
    """Read the fields of a component as they are stored."""
    return _FIELDS.decode(template) if template else ()
