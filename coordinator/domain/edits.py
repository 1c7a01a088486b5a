"""What may not change in a definition once it was activated.

Source: the developer guide on editing a pipeline. Runs of before and after an edit belong to the
same objects, so objects stay, and so do their references and schedules.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from coordinator.domain.control_fields import SCHEDULE
from coordinator.domain.schedules import normalised
from coordinator.domain.timetable import ONDEMAND, UNDECIDED, style_of
from coordinator.domain.values import parse_period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.view import DefinitionView


SHOWN_REFS = 10
STARTS = ("startDateTime", "startAt")


def forbidden_edits(new: DefinitionView, active: DefinitionView) -> Iterator[tuple[str, str]]:
    """The id of each object that was changed as it may not be, and how."""
    return chain.from_iterable(rule(new, active) for rule in EDIT_RULES)


def removed_objects(new: DefinitionView, active: DefinitionView) -> Iterator[tuple[str, str]]:
    """An object that was activated is still there."""
    for object_id in active.written:
        if object_id not in new.written:
            yield object_id, "The object was activated and cannot be removed: put it back."


def changed_references(new: DefinitionView, active: DefinitionView) -> Iterator[tuple[str, str]]:
    """An object that was activated refers to what it referred to, in any order."""
    for before, after in _kept(new, active):
        were, are = _refs(before), _refs(after)
        for key in were | are:
            old, now = sorted(were.get(key, [])), sorted(are.get(key, []))
            if old != now:
                change = f"it led to {_listed(old)}, and would lead to {_listed(now)}"
                yield after.id, f"The reference '{key}' was activated and cannot change: {change}."


def changed_schedules(new: DefinitionView, active: DefinitionView) -> Iterator[tuple[str, str]]:
    """A schedule that was activated has the same period and start."""
    for object_id, kind in active.types.items():
        if kind != SCHEDULE or object_id not in new.written:
            continue
        before, after = active.inherited[object_id], new.inherited[object_id]
        if _period(before) != _period(after):
            yield object_id, "'period' was activated and cannot change: use a new Schedule."
        for key in STARTS:
            if before.strings(key) != after.strings(key):
                advice = "activate the pipeline with a start time instead"
                yield object_id, f"'{key}' was activated and cannot change: {advice}."


def changed_styles(new: DefinitionView, active: DefinitionView) -> Iterator[tuple[str, str]]:
    """An activity that was activated runs at the same end of its intervals, or on demand still."""
    for before in active.activities:
        after = new.inherited.get(before.id)
        if after is None or not new.is_activity(before.id):
            continue
        was, would = _style(active, before), _style(new, after)
        if was != would:
            yield (
                before.id,
                (
                    f"'scheduleType' was activated and cannot change: it was {was}, and would be "
                    f"{would}."
                ),
            )


def outputs_of_new_objects(
    new: DefinitionView, active: DefinitionView
) -> Iterator[tuple[str, str]]:
    """A new object does not write what an object of before stands for."""
    advice = "which was activated before it: use a new object"
    for item in new.inherited.values():
        if item.id not in active.written:
            for ref in item.refs("output"):
                if ref in active.written:
                    yield item.id, f"'output' of a new object refers to '{ref}', {advice}."


def _kept(
    new: DefinitionView, active: DefinitionView
) -> Iterator[tuple[PipelineObject, PipelineObject]]:
    for object_id, before in active.written.items():
        after = new.written.get(object_id)
        if after is not None:
            yield before, after


def _refs(item: PipelineObject) -> dict[str, list[str]]:
    """Where each reference of the object leads to, by its key."""
    found: dict[str, list[str]] = {}
    for field in item.fields:
        if field.ref_value is not None:
            found.setdefault(field.key, []).append(field.ref_value)
    return found


def _listed(refs: list[str]) -> str:
    return ", ".join(f"'{ref}'" for ref in refs[:SHOWN_REFS]) or "nothing"


def _style(view: DefinitionView, item: PipelineObject) -> str:
    """How an activity runs; where a parameter decides, the text that says so."""
    style = style_of(view, item)
    if style == UNDECIDED:
        return next(iter(item.strings("scheduleType")), style)
    return style or ONDEMAND


def _period(item: PipelineObject) -> object:
    """The period as it is meant: '1 Day' is '24 hours'."""
    text = next(iter(item.strings("period")), "")
    try:
        return normalised(parse_period(text))
    except ValueError:
        return text


EDIT_RULES = (
    removed_objects,
    changed_references,
    changed_schedules,
    changed_styles,
    outputs_of_new_objects,
)
