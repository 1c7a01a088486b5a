"""Rules about what objects refer to. Each yields the id of an object and what is wrong with it."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING

from coordinator.domain.dependencies import dependency_reasons
from coordinator.domain.object_types import OBJECT_TYPES, fields_of, kind_of
from coordinator.domain.object_types.kinds import Family, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coordinator.domain.view import DefinitionView

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


def unusable_references(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What an object needs is not sought in an object that cannot be that."""
    return _unfitting(view, strict=True)


def unlikely_references(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What a runner looks up is an object of the kind that it expects."""
    return _unfitting(view, strict=False)


def parent_cycles(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """No object is its own ancestor."""
    cycle = _cycle({i: item.refs("parent") for i, item in view.inherited.items()})
    if cycle:
        path = _path([f"'{node}'" for node in cycle])
        yield cycle[0], f"'parent' goes round in a circle: {path}."


def dependency_cycles(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """No activity waits for itself."""
    reasons = dependency_reasons(view)
    cycle = _cycle({object_id: tuple(found) for object_id, found in reasons.items()})
    if cycle:
        steps = pairwise(cycle)
        told = [f"'{other}' ({reasons[node][other]})" for node, other in steps]
        path = _path([f"'{cycle[0]}'", *told])
        yield cycle[0], f"The activity waits for itself, in a circle: {path}."


def _unfitting(view: DefinitionView, *, strict: bool) -> Iterator[tuple[str, str]]:
    for item in view.written.values():
        known = fields_of(view.types[item.id])
        for field in item.fields:
            ref, kind = field.ref_value, kind_of(known, field.key)
            if ref not in view.written or not isinstance(kind, Reference) or kind.to is None:
                continue
            if kind.strict == strict and not _fits(view, ref, kind.to):
                wanted = f"is not {kind.to}" if view.types[ref] else "has no type"
                yield item.id, f"'{field.key}' refers to '{ref}', which {wanted}."


def _fits(view: DefinitionView, ref: str, family: Family) -> bool:
    if family is Family.ACTIVITY:
        return view.is_activity(ref)
    kind = view.types[ref]
    if kind in OBJECT_TYPES:
        return OBJECT_TYPES[kind].family is family
    return bool(kind)  # a type of the runners' own may be anything


def _cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """The first circle among `edges`, its first node again at the end; or nothing."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _path(steps: Sequence[str]) -> str:
    shown = [*steps[:_SHOWN_NODES]]
    shown += ["…", steps[-1]] if len(steps) > _SHOWN_NODES else []
    return " → ".join(shown)


GRAPH_RULES = (
    unknown_references,
    unusable_references,
    parent_cycles,
    dependency_cycles,
)
