"""What else happens when a component ends, or is late: alarms, and its end.

Source: the developer guide's pages on actions. A Terminate only acts where a component is late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.durations import parse_duration

if TYPE_CHECKING:
    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.view import DefinitionView

ON_FAIL, ON_SUCCESS, ON_LATE = "onFail", "onSuccess", "onLateAction"
LATE = "lateAfterTimeout"
ALARM = "SnsAlarm"
TERMINATE = "Terminate"
ACTION_KEYS = (ON_FAIL, ON_SUCCESS, ON_LATE)


class Actions(NamedTuple):
    """The ids of alarms by their event; `late_ms` 0: it is never late."""

    on_fail: tuple[str, ...] = ()
    on_success: tuple[str, ...] = ()
    on_late: tuple[str, ...] = ()
    late_ms: int = 0
    terminate_late: bool = False


def actions_of(view: DefinitionView, item: PipelineObject, *, scheduled: bool) -> Actions:
    """The actions of an object, inherited ones included; on demand nothing is late.

    Raises:
        ValueError: `lateAfterTimeout` still has an expression, or is not valid.
    """
    ends = Actions(_alarms(view, item, ON_FAIL), _alarms(view, item, ON_SUCCESS))
    late_ms = next(map(parse_duration, item.strings(LATE)), 0) if scheduled else 0
    if not late_ms:
        return ends
    terminate = any(view.types.get(ref) == TERMINATE for ref in item.refs(ON_LATE))
    return ends._replace(
        on_late=_alarms(view, item, ON_LATE), late_ms=late_ms, terminate_late=terminate
    )


def _alarms(view: DefinitionView, item: PipelineObject, key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ref for ref in item.refs(key) if view.types.get(ref) == ALARM))
