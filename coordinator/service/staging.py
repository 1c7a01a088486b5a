"""What is stored of a version that is activated, in the form in which the scripts read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coordinator.domain.components import Component
    from coordinator.domain.definitions import Field
    from coordinator.domain.schedules import Schedule

_ENCODER = msgspec.json.Encoder()


def staged(
    components: Sequence[Component],
    definition: bytes = b"",
    max_active: int = 0,
    *more: Field,
    schedules: Sequence[Schedule] = (),
) -> Iterator[tuple[str, bytes]]:
    """Yield what is stored of a version, field by field; `more` goes into each task's object."""
    for index, component in enumerate(components):
        yield f"settings:{index}", _ENCODER.encode(_settings(component, components))
        yield f"object:{index}", _ENCODER.encode((*component.fields, *more))
    if definition:
        yield "definition", definition
    if max_active:
        yield "max_active", b"%d" % max_active
    if schedules:
        yield "schedules", _ENCODER.encode([_schedule(schedule) for schedule in schedules])
    fields = 2 * len(components) + 2 + bool(definition) + bool(max_active) + bool(schedules)
    yield "fields", b"%d" % fields
    yield "count", b"%d" % len(components)


def _settings(component: Component, components: Sequence[Component]) -> dict[str, object]:
    here, across = _needs(component, components)
    return {
        "id": component.id,
        "group": component.worker_group,
        "needs": here,
        "maximum_retries": component.maximum_retries,
        "retry_delay_ms": component.retry_delay_ms,
        "attempt_timeout_ms": component.attempt_timeout_ms,
        "progress_timeout_ms": component.progress_timeout_ms,
        "cascade": component.cascade,
        **_given(
            component=component.object_id,
            across=across,
            checks=component.checks,
            precondition=component.precondition,
            precondition_timeout_ms=component.precondition_timeout_ms,
            late_ms=component.late_ms,
            actions=_actions(component),
            terminate_late=component.terminate_late,
        ),
    }


def _needs(
    component: Component, components: Sequence[Component]
) -> tuple[list[int], list[tuple[str, str]]]:
    """Return the positions needed of the same schedule, and the ids of others with theirs."""
    here, across = [], []
    for position in component.depends_on:
        other = components[position]
        if other.schedule == component.schedule:
            here.append(position)
        else:
            across.append((other.id, other.schedule))
    return here, across


def _actions(component: Component) -> dict[str, object]:
    return _given(fail=component.on_fail, success=component.on_success, late=component.on_late)


def _schedule(schedule: Schedule) -> dict[str, object]:
    return {
        "name": schedule.name,
        "style": schedule.style,
        "number": schedule.number,
        "unit": schedule.unit,
        "window": schedule.window,
        "offset": schedule.offset,
        "count": schedule.count,
    } | {
        key: value
        for key, value in (
            ("start_ms", schedule.start_ms),
            ("end_ms", schedule.end_ms),
            ("occurrences", schedule.occurrences),
        )
        if value is not None
    }


def _given(**values: object) -> dict[str, object]:
    return {key: value for key, value in values.items() if value}
