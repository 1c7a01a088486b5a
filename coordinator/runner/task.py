"""A task as PollForTask hands it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from coordinator.runner import fields as objects
from coordinator.runner.durations import seconds_of
from coordinator.runner.fields import Object

if TYPE_CHECKING:
    from collections.abc import Mapping

ACKNOWLEDGE_SECONDS = 120.0
LEASE_SECONDS = 900.0  # of an object without reportProgressTimeout
LONGEST_PACE = 60.0
SHORTEST_PACE = 0.05
PREVIOUS = "@previous."


@dataclass(frozen=True)
class Task:
    """One hand-out: `handle` is the wire's taskId, `fields` the attempt's, each a list of texts.

    `objects` are those of the definition that the attempt refers to (data nodes, their formats,
    databases), by id, their expressions evaluated.
    """

    handle: str
    pipeline_id: str
    attempt_id: str
    fields: Mapping[str, list[str]]
    objects: Mapping[str, Object] = field(default_factory=dict)

    def first(self, key: str) -> str | None:
        """Return the first value of a field, or None."""
        return self.own.field(key)

    def field(self, key: str, default: str | None = None) -> str | None:
        """Return the first value of a field, or `default`."""
        return self.own.field(key, default)

    def all(self, key: str) -> list[str]:
        """Return every value of a field, in the definition's order."""
        return self.own.all(key)

    def flag(self, key: str) -> bool:
        """Return whether a field says true."""
        return self.own.flag(key)

    def object(self, object_id: str) -> Object | None:
        """Return an object that the task refers to, or None."""
        return self.objects.get(object_id)

    def refs(self, key: str, of: Object | None = None) -> list[Object]:
        """Return the objects that a field refers to: of the task, or of the object `of`."""
        found = (self.objects.get(name) for name in (of or self.own).all(key))
        return [one for one in found if one is not None]

    def ref(self, key: str, of: Object | None = None) -> Object | None:
        """Return the first of `refs`, or None."""
        return next(iter(self.refs(key, of)), None)

    @property
    def own(self) -> Object:
        """The attempt's own object."""
        return Object(self.attempt_id, self.fields)

    @property
    def type(self) -> str:
        """The activity's type; empty where the object names none."""
        return self.own.type

    @property
    def component(self) -> str:
        """The id of the activity in the definition."""
        return self.field("@componentParent") or self.instance_id

    @property
    def instance_id(self) -> str:
        """The id of the instance that this is an attempt of."""
        return self.field("@instanceParent") or self.attempt_id.partition("_Attempt=")[0]

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1."""
        return int(self._number("@attemptCount")) or 1

    @property
    def fencing_token(self) -> int:
        """A number that grows with each hand-out, for whatever the task writes to."""
        return int(self.field("@fencingToken") or 0)

    @property
    def scheduled_start(self) -> datetime | None:
        """What the run is for, in UTC."""
        return _time(self.field("@scheduledStartTime"))

    @property
    def scheduled_end(self) -> datetime | None:
        """The end of what the run is for, in UTC."""
        return _time(self.field("@scheduledEndTime"))

    @property
    def lease_seconds(self) -> float:
        """How long the lease lasts from one report to the next.

        Our coordinator says it as `@reportTimeout`; another may only give the object's own field.
        """
        told = self._number("@reportTimeout")
        return told or seconds_of(self.first("reportProgressTimeout") or "") or LEASE_SECONDS

    @property
    def pace_seconds(self) -> float:
        """How often to report: as `@reportWithin` says, else each minute or third of the lease."""
        wanted = self._number("@reportWithin") or min(LONGEST_PACE, self.lease_seconds / 3)
        return max(SHORTEST_PACE, min(wanted, self.lease_seconds / 2))

    def _number(self, key: str) -> float:
        """Return a field's positive number; 0 where there is none."""
        try:
            number = float(self.first(key) or 0)
        except ValueError:
            return 0.0
        return number if 0 < number < float("inf") else 0.0

    @property
    def previous(self) -> dict[str, str]:
        """What the attempt before this one reported last."""
        return {
            key.removeprefix(PREVIOUS): values[0]
            for key, values in self.fields.items()
            if key.startswith(PREVIOUS)
        }


def from_wire(answer: Mapping[str, Any]) -> Task | None:
    """Return the task in an answer of PollForTask; None if it has none."""
    found = answer.get("taskObject")
    if not found or not found.get("taskId"):
        return None
    attempt_id = found.get("attemptId", "")
    read = {key: objects.from_wire(one) for key, one in found.get("objects", {}).items()}
    return Task(
        handle=found["taskId"],
        pipeline_id=found.get("pipelineId", ""),
        attempt_id=attempt_id,
        fields=read.pop(attempt_id, {}),
        objects={key: Object(key, fields) for key, fields in read.items()},
    )


def to_json(task: Task) -> dict[str, Any]:
    """Return a task as plain data, for `from_json` in another process."""
    others = {one.id: dict(one.fields) for one in task.objects.values()}
    return {
        "handle": task.handle,
        "pipeline_id": task.pipeline_id,
        "attempt_id": task.attempt_id,
        "fields": dict(task.fields),
        "objects": others,
    }


def from_json(data: Mapping[str, Any]) -> Task:
    """Return the task that `to_json` wrote."""
    others = {key: Object(key, fields) for key, fields in data["objects"].items()}
    return Task(**{**data, "objects": others})


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
