"""Who is to run an object: the worker group that it names, or that of the resource it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.definitions import DEFAULT_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coordinator.domain.definitions import Field, PipelineObject
    from coordinator.domain.view import DefinitionView


def worker_group(
    view: DefinitionView, item: PipelineObject, resource_groups: Mapping[str, str]
) -> str:
    """The worker group of an object that has one; `workerGroup` counts only without `runsOn`."""
    resources = item.refs("runsOn")
    if not resources:
        (group,) = item.strings("workerGroup")
        return group
    resource_type = view.types[resources[0]]
    return resource_groups.get(resource_type, resource_type)


def with_groups_of_their_own(view: DefinitionView) -> set[str]:
    """The objects that say who runs them, themselves or by a parent other than Default."""
    default = view.inherited.get(DEFAULT_ID)
    shared = {id(field) for field in default.fields} if default else set()
    return {
        item.id
        for item in view.inherited.values()
        if any(id(field) not in shared and _names_a_group(view, field) for field in item.fields)
    }


def _names_a_group(view: DefinitionView, field: Field) -> bool:
    if field.key == "runsOn":
        return bool(view.types.get(field.ref_value or ""))
    return field.key == "workerGroup" and field.string_value is not None
