"""Which objects of a definition the work of an activity needs: its data, where and what they are.

What says when and where it runs, or what else happens, is the coordinator's business; a runner has
no use for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coordinator.domain.definitions import Field, PipelineObject

MOST_OBJECTS = 100
NOT_NEEDED = frozenset(
    {
        "dependsOn",
        "onFail",
        "onLateAction",
        "onSuccess",
        "parent",
        "precondition",
        "runsOn",
        "schedule",
    }
)


def needed_ids(fields: Iterable[Field]) -> list[str]:
    """Return the ids that `fields` refer to for the work itself, in order."""
    return [
        field.ref_value
        for field in fields
        if field.ref_value is not None and field.key not in NOT_NEEDED
    ]


def needed_objects(
    objects: Mapping[str, PipelineObject], fields: Iterable[Field]
) -> list[PipelineObject]:
    """Return what `fields` need of `objects`, and what these need in turn: the first hundred."""
    waiting = needed_ids(fields)
    found: dict[str, PipelineObject] = {}
    for object_id in waiting:  # grows on the way
        if object_id in found or object_id not in objects:
            continue
        if len(found) == MOST_OBJECTS:
            break
        found[object_id] = objects[object_id]
        waiting += needed_ids(objects[object_id].fields)
    return list(found.values())
