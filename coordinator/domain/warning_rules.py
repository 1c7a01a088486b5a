"""Rules about what will run but hardly as meant. Each yields the id of an object and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.action_rules import ACTION_WARNINGS
from coordinator.domain.concurrency import KEY as MAX_ACTIVE
from coordinator.domain.definitions import DEFAULT_ID
from coordinator.domain.graph_rules import unlikely_references
from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.spelling import Guesses
from coordinator.domain.timetable import schedule_name
from coordinator.domain.type_rules import overlooked_fields, repeated_fields, unknown_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.view import DefinitionView


def unknown_types(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A type that nobody knows is probably misspelt."""
    guesses = Guesses()
    for item in view.written.values():
        for kind in item.strings("type"):
            if kind not in OBJECT_TYPES:
                hint = guesses.hint(kind, OBJECT_TYPES)
                idle = "" if view.is_activity(item.id) else ", so the object will not be run"
                yield item.id, f"'{kind}' is not a type of AWS Data Pipeline{idle}{hint}"


def missing_types(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """An object without a type does nothing, unless others inherit from it."""
    parents = {ref for item in view.written.values() for ref in item.refs("parent")}
    for object_id, kind in view.types.items():
        if not kind and object_id != DEFAULT_ID and object_id not in parents:
            yield object_id, "The object has no 'type', so it will not be run."


def nodes_out_of_step(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A data node has no runs of its own: it is what it is for the interval of its reader."""
    schedules = {item.id: item.refs("schedule") for item in view.inherited.values()}
    told: set[str] = set()
    for item in view.activities:
        for node in item.refs("input") if schedule_name(view, item) else ():
            if node not in told and schedules.get(node, []) not in ([], schedules[item.id]):
                told.add(node)
                yield (
                    node,
                    (
                        f"'schedule' is not that of '{item.id}', which reads the data: its fields "
                        f"are evaluated for the intervals of '{item.id}'."
                    ),
                )


def limits_elsewhere(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """The limit of an on-demand pipeline's active runs is given where it counts, in Default."""
    if any(schedule_name(view, item) for item in view.activities):
        return  # there it counts for the activities that have it
    for item in view.written.values():
        if item.strings(MAX_ACTIVE) and item.id != DEFAULT_ID:
            yield (
                item.id,
                f"'{MAX_ACTIVE}' limits the runs of an on-demand pipeline only in '{DEFAULT_ID}'.",
            )


WARNING_RULES = (
    unknown_types,
    missing_types,
    unknown_fields,
    unlikely_references,
    overlooked_fields,
    repeated_fields,
    nodes_out_of_step,
    limits_elsewhere,
    *ACTION_WARNINGS,
)
