"""What the coordinator itself goes by: its value is known once for a version, not per instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.definitions import DEFAULT_ID
from coordinator.domain.worker_groups import with_groups_of_their_own

if TYPE_CHECKING:
    from coordinator.domain.view import DefinitionView

_GROUP = "workerGroup"
_TRIES = (
    "maximumRetries",
    "retryDelay",
    "attemptTimeout",
    "reportProgressTimeout",
    "lateAfterTimeout",
)
_RUNS = "maxActiveInstances"
_OF_ACTIVITIES = (_GROUP, *_TRIES, "failureAndRerunMode", _RUNS, "scheduleType")
_OF_PRECONDITIONS = (*_TRIES, "preconditionTimeout")
SCHEDULE_FIELDS = ("period", "startDateTime", "startAt", "endDateTime", "occurrences")
SCHEDULE = "Schedule"


def control_fields(view: DefinitionView) -> dict[str, tuple[str, ...]]:
    """The keys of such fields by the id of each object that can have some.

    A precondition, and a data node that has one, may name a worker group; the one of Default is
    left to the activity.
    """
    found: dict[str, tuple[str, ...]] = {}
    if DEFAULT_ID in view.written:
        found[DEFAULT_ID] = (_RUNS,)
    found |= {name: SCHEDULE_FIELDS for name, kind in view.types.items() if kind == SCHEDULE}
    found |= _of_guards(view)
    return found | {item.id: _OF_ACTIVITIES for item in view.activities}


def _of_guards(view: DefinitionView) -> dict[str, tuple[str, ...]]:
    named = with_groups_of_their_own(view)
    found: dict[str, tuple[str, ...]] = {}
    for item in view.inherited.values():
        guards = [ref for ref in item.refs("precondition") if ref in view.written]
        if guards and item.id in named:
            found.setdefault(item.id, (_GROUP,))
        for ref in guards:
            found[ref] = (*_OF_PRECONDITIONS, _GROUP) if ref in named else _OF_PRECONDITIONS
    return found
