"""Rules about what objects refer to. Each yields the id of an object and what is wrong with it."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coordinator.domain.view import DefinitionView

REFERENCES = frozenset({"parent", "dependsOn", "runsOn", "schedule"})
_SHOWN_NODES = 20


def unknown_references(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Every reference leads to an object of the definition."""
    for item in view.written.values():
        for field in item.fields:
            if field.ref_value is not None and field.ref_value not in view.written:
                yield (
                    item.id,
                    f"'{field.key}' refers to '{field.ref_value}', which is not in the definition.",
                )


def strings_for_references(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What must be a reference is not given as a string, which would be overlooked."""
    for item in view.written.values():
        for field in item.fields:
            if field.key in REFERENCES and field.string_value is not None:
                yield item.id, f"'{field.key}' must be a reference, not a string."


def parent_cycles(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """No object is its own ancestor."""
    yield from _cycle("parent", {i: item.refs("parent") for i, item in view.inherited.items()})


def dependency_cycles(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """No activity waits for itself."""
    yield from _cycle("dependsOn", {item.id: item.refs("dependsOn") for item in view.activities})


def dependencies_that_never_run(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Only activities can be waited for."""
    for item in view.activities:
        for ref in item.refs("dependsOn"):
            if ref in view.written and not view.is_activity(ref):
                yield item.id, f"'dependsOn' refers to '{ref}', which is not an activity."


def resources_without_type(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """The type of the resource that an activity runs on names its worker group."""
    for item in view.activities:
        for ref in item.refs("runsOn"):
            if ref in view.written and not view.types[ref]:
                yield item.id, f"'runsOn' refers to '{ref}', which has no type."


def _cycle(key: str, edges: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """The first circle among `edges`, told once."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        nodes = list(reversed(error.args[1]))
        shown = [f"'{node}'" for node in nodes[:_SHOWN_NODES]]
        shown += ["…", f"'{nodes[-1]}'"] if len(nodes) > _SHOWN_NODES else []
        yield nodes[0], f"'{key}' goes round in a circle: {' → '.join(shown)}."


GRAPH_RULES = (
    unknown_references,
    strings_for_references,
    parent_cycles,
    dependency_cycles,
    dependencies_that_never_run,
    resources_without_type,
)
