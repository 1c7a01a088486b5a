"""Rules about actions. Each yields the id of an object and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.actions import ACTION_KEYS, LATE, ON_FAIL, ON_LATE, ON_SUCCESS, TERMINATE
from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.object_types.kinds import Family
from coordinator.domain.timetable import schedule_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.view import DefinitionView

IDLE = frozenset({Family.DATA_NODE, Family.RESOURCE})


def never_late(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What is to happen when an activity is late needs a time from which on it is."""
    for item in view.activities:
        if item.refs(ON_LATE) and not item.strings(LATE):
            yield item.id, f"'{ON_LATE}' needs a '{LATE}'."


def late_in_vain(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Being late has a consequence, and a time at which something was to begin."""
    on_demand = not any(schedule_name(view, item) for item in view.activities)
    for item in view.written.values():
        if not item.strings(LATE):
            continue
        if on_demand and view.activities:
            yield item.id, f"'{LATE}' has no effect on demand: nothing is late there."
        elif view.is_activity(item.id) and not view.inherited[item.id].refs(ON_LATE):
            yield item.id, f"'{LATE}' has no effect without '{ON_LATE}'."


def terminates_elsewhere(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A Terminate ends what is late, and nothing that has ended."""
    for item in view.written.values():
        for key in (ON_FAIL, ON_SUCCESS):
            for ref in dict.fromkeys(item.refs(key)):
                if view.types.get(ref) == TERMINATE:
                    what = f"'{ref}', a {TERMINATE}, which has an effect only in '{ON_LATE}'"
                    yield item.id, f"'{key}' refers to {what}."


def actions_of_idle_objects(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Only what is run can end or be late."""
    for item in view.written.values():
        kind = OBJECT_TYPES.get(view.types[item.id])
        if kind is None or kind.family not in IDLE:
            continue
        for key in _action_keys(item):
            yield item.id, f"'{key}' has no effect on {kind.family}, which is not run by itself."


def _action_keys(item: PipelineObject) -> dict[str, None]:
    return dict.fromkeys(f.key for f in item.fields if f.key in {*ACTION_KEYS, LATE})


ACTION_RULES = (never_late,)
ACTION_WARNINGS = (late_in_vain, terminates_elsewhere, actions_of_idle_objects)
