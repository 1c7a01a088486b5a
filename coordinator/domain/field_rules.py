"""Rules about what makes activities run. Each yields the id of an object and a sentence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from coordinator.domain.control_fields import SCHEDULE_FIELDS
from coordinator.domain.retries import FIELD_PARSERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.view import DefinitionView

SINGLE = frozenset(
    {
        *FIELD_PARSERS,
        *SCHEDULE_FIELDS,
        "failureAndRerunMode",
        "lateAfterTimeout",
        "maxActiveInstances",
        "parent",
        "preconditionTimeout",
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
    for item in view.written.values():
        if any(len(group) > MAX_WORKER_GROUP for group in item.strings("workerGroup")):
            yield item.id, f"'workerGroup' must be at most {MAX_WORKER_GROUP} characters long."


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


FIELD_RULES = (
    several_values,
    nowhere_to_run,
    unreachable_groups,
    reserved_ids,
    long_activity_ids,
)
