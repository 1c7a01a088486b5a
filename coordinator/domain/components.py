"""Components: the activities of a definition and their preconditions, ready to be made into tasks.

Those of a schedule stand together, and the preconditions of an activity right before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from coordinator.domain.actions import actions_of
from coordinator.domain.definitions import Field
from coordinator.domain.dependencies import dependencies
from coordinator.domain.durations import parse_duration
from coordinator.domain.preconditions import NODE, TIMEOUT, checks
from coordinator.domain.retries import FIELD_PARSERS
from coordinator.domain.timetable import schedule_name
from coordinator.domain.view import DefinitionView
from coordinator.domain.worker_groups import with_groups_of_their_own, worker_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.preconditions import Check

FAILURE_MODE = "failureAndRerunMode"
CASCADE = "cascade"


@dataclass(frozen=True, slots=True)
class Component:
    """An activity or a precondition of one, with its inherited fields.

    `depends_on` holds the positions of other components. An `attempt_timeout_ms` of 0 means none, a
    `progress_timeout_ms` of 0 means the coordinator's own. With `cascade` what waits
    for the component fails with it. `object_id` is that of its object where that is not `id`;
    `schedule` is the name of its schedule, empty on demand. `checks` are the positions of its
    preconditions, which are in `depends_on` too. The `on_…` are the ids of alarms.
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
    object_id: str = ""
    schedule: str = ""
    checks: tuple[int, ...] = ()
    precondition: bool = False
    precondition_timeout_ms: int = 0
    late_ms: int = 0
    on_fail: tuple[str, ...] = ()
    on_success: tuple[str, ...] = ()
    on_late: tuple[str, ...] = ()
    terminate_late: bool = False


class Defaults(NamedTuple):
    """What counts for objects that say nothing of it.

    What runs on a resource goes to the worker group that `resource_groups` has for the resource's
    type, or else to the one named like the type.
    """

    maximum_retries: int
    retry_delay_ms: int
    resource_groups: Mapping[str, str]
    cascade: bool = False


def compile_components(objects: Sequence[PipelineObject], **defaults: Any) -> list[Component]:
    """The components of a definition without errors (see `validate`).

    They are in the order of the objects, those on the schedule of the first activity first.
    `defaults` are those of `Defaults`.

    Raises:
        InvalidRequestError: inheritance, shared data nodes or preconditions make the definition too
            large.
        KeyError: the definition is not valid.
        ValueError: likewise, or one of the fields that are read here still has an expression.
    """
    return list(_Compiler(DefinitionView(objects), Defaults(**defaults)).components())


class _Compiler:
    def __init__(self, view: DefinitionView, defaults: Defaults) -> None:
        self._view = view
        self._defaults = defaults
        self._waits_for = dependencies(view)
        self._checks = checks(view)
        self._schedules = {item.id: schedule_name(view, item) for item in view.activities}
        self._with_groups = with_groups_of_their_own(view)
        self._positions: dict[str, int] = {}

    def components(self) -> Iterator[Component]:
        """Yield each activity behind its preconditions, schedule by schedule."""
        names = dict.fromkeys(self._schedules.values())
        rank = {name: number for number, name in enumerate(names)}
        ordered = sorted(self._view.activities, key=lambda item: rank[self._schedules[item.id]])
        position = -1
        for item in ordered:
            position += 1 + len(self._checks.get(item.id, ()))
            self._positions[item.id] = position
        for item in ordered:
            yield from self._with_checks(item)

    def _with_checks(self, item: PipelineObject) -> Iterator[Component]:
        position, guards = self._positions[item.id], self._checks.get(item.id, [])
        before = tuple(range(position - len(guards), position))
        needs = tuple(self._positions[other] for other in self._waits_for[item.id])
        for check in guards:
            yield self._precondition(check, item, needs)
        schedule = self._schedules[item.id]
        yield Component(
            id=item.id,
            worker_group=worker_group(self._view, item, self._defaults.resource_groups),
            depends_on=needs + before,
            checks=before,
            fields=item.fields,
            cascade=_cascades(item, self._defaults.cascade),
            **self._common(item, schedule),
        )

    def _precondition(
        self, check: Check, activity: PipelineObject, needs: tuple[int, ...]
    ) -> Component:
        item = self._view.inherited[check.precondition]
        fields = (field for field in item.fields if field.key != NODE)
        return Component(
            id=check.id,
            object_id=check.precondition if check.precondition != check.id else "",
            worker_group=self._group_of(check),
            depends_on=needs,
            precondition=True,
            precondition_timeout_ms=next(map(parse_duration, item.strings(TIMEOUT)), 0),
            fields=(*fields, Field(NODE, ref_value=check.node)),
            cascade=True,
            **self._common(item, self._schedules[activity.id]),
        )

    def _group_of(self, check: Check) -> str:
        """Who runs a check: what it says itself, or else what has it, or who waits for it."""
        said = (name for name in (check.precondition, check.node) if name in self._with_groups)
        runs_on = self._view.inherited[next(said, check.activity)]
        return worker_group(self._view, runs_on, self._defaults.resource_groups)

    def _common(self, item: PipelineObject, schedule: str) -> dict[str, Any]:
        """What is read alike of activities and preconditions."""
        return {
            "name": item.name,
            "type": item.type,
            "maximum_retries": _number(item, "maximumRetries", self._defaults.maximum_retries),
            "retry_delay_ms": _number(item, "retryDelay", self._defaults.retry_delay_ms),
            "attempt_timeout_ms": _number(item, "attemptTimeout", 0),
            "progress_timeout_ms": _number(item, "reportProgressTimeout", 0),
            "schedule": schedule,
            **actions_of(self._view, item, scheduled=bool(schedule))._asdict(),
        }


def _number(item: PipelineObject, key: str, otherwise: int) -> int:
    return next((FIELD_PARSERS[key](text) for text in item.strings(key)), otherwise)


def _cascades(item: PipelineObject, otherwise: bool) -> bool:
    return next((mode.lower() == CASCADE for mode in item.strings(FAILURE_MODE)), otherwise)
