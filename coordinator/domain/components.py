"""Components: the activities of a definition, ready to be made into tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.domain.dependencies import dependencies
from coordinator.domain.retries import FIELD_PARSERS
from coordinator.domain.view import DefinitionView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coordinator.domain.definitions import Field, PipelineObject

FAILURE_MODE = "failureAndRerunMode"
CASCADE = "cascade"


@dataclass(frozen=True, slots=True)
class Component:
    """An activity with its inherited fields.

    `depends_on` holds the positions of other components. An `attempt_timeout_ms` of 0 means none, a
    `progress_timeout_ms` of 0 means the coordinator's own. With `cascade` what waits
    for the component fails with it. `on_fail`, `on_success` and `on_late` are ids of alarms.
    """

    id: str
    name: str
    type: str
    worker_group: str
    depends_on: tuple[int, ...]
    maximum_retries: int
    retry_delay_ms: int
    attempt_timeout_ms: int
    progress_timeout_ms: int
    fields: tuple[Field, ...]
    cascade: bool = False
    on_fail: tuple[str, ...] = ()
    on_success: tuple[str, ...] = ()
    on_late: tuple[str, ...] = ()


def compile_components(
    objects: Sequence[PipelineObject],
    *,
    maximum_retries: int,
    retry_delay_ms: int,
    resource_groups: Mapping[str, str],
    cascade: bool = False,
) -> list[Component]:
    """The components of a definition without errors (see `validate`), in the order of the objects.

    `maximum_retries`, `retry_delay_ms` and `cascade` are for objects that say nothing of them. What
    runs on a resource goes to the worker group that `resource_groups` has for the resource's type,
    or else to the one named like the type; `workerGroup` counts only without `runsOn`.

    Raises:
        InvalidRequestError: inheritance or shared data nodes make the definition too large.
        KeyError: the definition is not valid.
        ValueError: likewise, or one of the fields that are read here still has an expression.
    """
    view = DefinitionView(objects)
    positions = {item.id: position for position, item in enumerate(view.activities)}
    waits_for = dependencies(view)
    return [
        Component(
            id=item.id,
            name=item.name,
            type=item.type,
            worker_group=_worker_group(view, item, resource_groups),
            depends_on=tuple(positions[other] for other in waits_for[item.id]),
            maximum_retries=_number(item, "maximumRetries", maximum_retries),
            retry_delay_ms=_number(item, "retryDelay", retry_delay_ms),
            attempt_timeout_ms=_number(item, "attemptTimeout", 0),
            progress_timeout_ms=_number(item, "reportProgressTimeout", 0),
            fields=item.fields,
            cascade=_cascades(item, cascade),
        )
        for item in view.activities
    ]


def _worker_group(
    view: DefinitionView, item: PipelineObject, resource_groups: Mapping[str, str]
) -> str:
    resources = item.refs("runsOn")
    if not resources:
        (group,) = item.strings("workerGroup")
        return group
    resource_type = view.types[resources[0]]
    return resource_groups.get(resource_type, resource_type)


def _number(item: PipelineObject, key: str, otherwise: int) -> int:
    return next((FIELD_PARSERS[key](text) for text in item.strings(key)), otherwise)


def _cascades(item: PipelineObject, otherwise: bool) -> bool:
    return next((mode.lower() == CASCADE for mode in item.strings(FAILURE_MODE)), otherwise)
