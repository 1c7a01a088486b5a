"""Rules about what makes activities run. Each yields the id of an object and a sentence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from coordinator.domain.retries import FIELD_PARSERS
from coordinator.domain.values import ONDEMAND_PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.view import DefinitionView

NOT_YET = frozenset({"cron", "timeseries"})
SINGLE = frozenset(
    {
        *FIELD_PARSERS,
        "failureAndRerunMode",
        "maxActiveInstances",
        "parent",
        "runsOn",
        "schedule",
        "scheduleType",
        "type",
        "workerGroup",
    }
)

# So that a reference to an attempt, `@<id>_<time>_Attempt=<n>`, fits the API's 256 characters.
MAX_ACTIVITY_ID = 220
MAX_WORKER_GROUP = 1024


def several_values(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A field that can have but one value is not given several."""
    for item in view.written.values():
        counts = Counter(field.key for field in item.fields if field.key in SINGLE)
        for key, count in counts.items():
            if count > 1:
                yield item.id, f"'{key}' is given {count} times."


def nowhere_to_run(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """An activity, inherited fields included, names who is to run it."""
    for item in view.activities:
        if not item.strings("workerGroup") and not item.refs("runsOn"):
            yield item.id, "An activity needs a 'workerGroup' or 'runsOn'."


def unreachable_groups(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A task runner can ask for the worker group: PollForTask takes 1,024 characters."""
    for item in view.activities:
        if any(len(group) > MAX_WORKER_GROUP for group in item.strings("workerGroup")):
            yield item.id, f"'workerGroup' must be at most {MAX_WORKER_GROUP} characters long."


def unguarded_activities(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """An activity that was to wait for a precondition must not run without it."""
    for item in view.activities:
        if any(field.key == "precondition" for field in item.fields):
            yield item.id, "'precondition' is not available in this version: remove it to run."


def reserved_ids(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Ids that begin with @ are those of instances."""
    for object_id in view.written:
        if object_id.startswith("@"):
            yield object_id, "The id begins with @, as only those of instances do."


def long_activity_ids(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """The ids of an activity's instances and attempts can be referred to."""
    for item in view.activities:
        if len(item.id) > MAX_ACTIVITY_ID:
            yield (
                item.id,
                f"The id of an activity must be at most {MAX_ACTIVITY_ID} characters long.",
            )


def other_schedule_types(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Only on-demand pipelines run in this version."""
    for item in view.written.values():
        for kind in item.strings("scheduleType"):
            if kind.lower() in NOT_YET:
                yield (
                    item.id,
                    "'scheduleType' must be ondemand: others are not available in this version.",
                )


def schedules(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A schedule with nothing said about its type means a time series."""
    for item in view.written.values():
        if any(_recurs(view, item, ref) for ref in item.refs("schedule")):
            yield (
                item.id,
                "'schedule' is not available in this version, unless 'scheduleType' is ondemand.",
            )


def _recurs(view: DefinitionView, item: PipelineObject, ref: str) -> bool:
    if view.inherited[item.id].strings("scheduleType") or ref not in view.inherited:
        return False  # another rule has looked at it
    return ONDEMAND_PERIOD not in view.inherited[ref].strings("period")


FIELD_RULES = (
    several_values,
    nowhere_to_run,
    unreachable_groups,
    unguarded_activities,
    reserved_ids,
    long_activity_ids,
    other_schedule_types,
    schedules,
)
