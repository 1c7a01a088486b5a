"""A definition with what the checks and the compiler ask of it, worked out once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from coordinator.domain.definitions import DEFAULT_ID, PipelineObject
from coordinator.domain.inheritance import flatten

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNNABLE_SUFFIX = "Activity"


class DefinitionView:
    """Objects as written and as inherited, by id.

    Raises:
        InvalidRequestError: inheritance makes the definition too large.
    """

    def __init__(self, objects: Sequence[PipelineObject]) -> None:
        self.written = {item.id: item for item in objects}
        self.inherited = {
            object_id: PipelineObject(object_id, self.written[object_id].name, tuple(fields))
            for object_id, fields in flatten(objects).items()
        }
        self.types = {object_id: item.type for object_id, item in self.inherited.items()}
        self.activities = [item for item in self.inherited.values() if self.is_activity(item.id)]

    @cached_property
    def guards(self) -> dict[str, list[str]]:
        """The preconditions of each object that has any."""
        found = {item.id: item.refs("precondition") for item in self.inherited.values()}
        return {object_id: refs for object_id, refs in found.items() if refs}

    def is_activity(self, object_id: str) -> bool:
        """Whether tasks are made of the object: its type ends in Activity and it is not Default."""
        return object_id != DEFAULT_ID and self.types.get(object_id, "").endswith(RUNNABLE_SUFFIX)
