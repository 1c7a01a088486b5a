"""A task as PollForTask hands it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coordinator.runner.durations import seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

ACKNOWLEDGE_SECONDS = 120.0
LEASE_SECONDS = 900.0  # of an object without reportProgressTimeout
LONGEST_PACE = 60.0
SHORTEST_PACE = 0.05
PREVIOUS = "@previous."


@dataclass(frozen=True)
class Task:
    """One hand-out: `handle` is the wire's taskId, `fields` the object's, each a list of texts."""

    handle: str
    pipeline_id: str
    attempt_id: str
    fields: Mapping[str, list[str]]

    def first(self, key: str) -> str | None:
        """Return the first value of a field, or None."""
        return next(iter(self.all(key)), None)

    def all(self, key: str) -> list[str]:
        """Return every value of a field, in the definition's order."""
        return self.fields.get(key, [])

    @property
    def type(self) -> str:
        """The activity's type; empty where the object names none."""
        return self.first("type") or ""

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
    objects = found.get("objects", {})
    return Task(
        handle=found["taskId"],
        pipeline_id=found.get("pipelineId", ""),
        attempt_id=attempt_id,
        fields=_fields(objects.get(attempt_id) or {}),
    )


def _fields(pipeline_object: Mapping[str, Any]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for field in pipeline_object.get("fields", []):
        value = field.get("stringValue", field.get("refValue", ""))
        fields.setdefault(field["key"], []).append(value)
    return fields
