"""The components of a definition as they are described and queried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.inheritance import flatten
from coordinator.domain.preconditions import guarded_by
from coordinator.domain.secrets import masked
from coordinator.domain.view import DefinitionView
from coordinator.service.definitions import decode

if TYPE_CHECKING:
    from coordinator.store.instances import Record
    from coordinator.store.pipelines import Pipelines, StoredDefinition


def components_of(pipeline_id: str, stored: StoredDefinition) -> dict[str, PipelineObject]:
    """Return the components of a definition by id, secrets masked."""
    objects = decode(stored).pipeline_objects
    parents = {
        name: [field for field in fields if field.key == "parent"]
        for name, fields in flatten(objects).items()
    }
    state = "SCHEDULED" if stored.pipeline.get("activated_ms") else "PENDING"
    if stored.pipeline["state"] == "INACTIVE":
        state = "INACTIVE"
    system = (
        Field("@sphere", string_value="COMPONENT"),
        Field("@version", string_value=stored.version or "0"),
        Field("@status", string_value=state),
        Field("@pipelineId", string_value=pipeline_id),
    )
    return {
        item.id: PipelineObject(
            item.id,
            item.name,
            (
                *system,
                *(masked(field) for field in item.fields if field.key != "parent"),
                *parents[item.id],
            ),
        )
        for item in objects
    }


def run_components(stored: StoredDefinition) -> set[str]:
    """Return the ids of the components that are run: activities, and what they check before."""
    view = DefinitionView(decode(stored).pipeline_objects)
    found = {item.id for item in view.activities}
    return found | {ref for item in view.activities for ref, _ in guarded_by(view, item)}


async def paused_components(
    pipelines: Pipelines, account: str, pipeline_id: str, pipeline: Record
) -> set[str]:
    """Return the components that are paused; `pipeline` is the record, which says whether any is.

    Raises:
        UnavailableError: Redis cannot answer now.
    """
    return await pipelines.paused(account, pipeline_id) if pipeline.get("paused") else set()
