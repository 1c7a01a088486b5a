"""Rules about what will run but hardly as meant. Each yields the id of an object and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.concurrency import KEY as MAX_ACTIVE
from coordinator.domain.definitions import DEFAULT_ID
from coordinator.domain.graph_rules import unlikely_references
from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.spelling import Guesses
from coordinator.domain.type_rules import overlooked_fields, repeated_fields, unknown_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.view import DefinitionView

WITHOUT_EFFECT = frozenset({"lateAfterTimeout", "onFail", "onLateAction", "onSuccess"})


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


def fields_without_effect(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What this version overlooks is said, once for each key."""
    for item in view.written.values():
        for key in dict.fromkeys(field.key for field in item.fields):
            if key in WITHOUT_EFFECT:
                yield item.id, f"'{key}' has no effect in this version."


def unguarded_nodes(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A data node's precondition keeps nobody from reading it in this version."""
    read = {ref: item.id for item in view.activities for ref in item.refs("input")}
    for node, reader in read.items():
        if node in view.inherited and view.inherited[node].refs("precondition"):
            yield node, f"'precondition' has no effect in this version: '{reader}' does not wait."


def limits_elsewhere(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """The limit of an on-demand pipeline's active runs is given where it counts, in Default."""
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
    fields_without_effect,
    unguarded_nodes,
    limits_elsewhere,
)
