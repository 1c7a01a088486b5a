"""The task object that a poll hands out, and how a claim becomes one.

Source of its shape: the sample response of PollForTask in the API reference; the fields from
`@attemptCount` on are this coordinator's own (design: rulings).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.ids import Handle, encode_handle, shard_of
from coordinator.domain.times import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.store.tasks import Claimed

MOST_REPORT_SECONDS = 60
JITTER = 0.1
_VALUES = msgspec.json.Decoder(list[tuple[str | None, str | None]])


class Task(NamedTuple):
    """A task as its runner gets it: `objects` are its attempt's own and those that it needs."""

    handle: str
    pipeline_id: str
    attempt_id: str
    objects: tuple[PipelineObject, ...]


def handle_of(claimed: Claimed) -> Handle:
    """Return what the handle of a claimed task says."""
    pipeline = claimed.pipeline_id
    return Handle(shard_of(pipeline), pipeline, claimed.n, claimed.attempt, claimed.claim)


def task_of(
    account: str,
    claimed: Claimed,
    fields: Sequence[Field],
    needed: Sequence[PipelineObject],
    default_timeout_ms: int,
) -> Task:
    """Build the task that is handed out for a claim; `fields` are those of its definition."""
    attempt_id = f"{claimed.instance_id}_Attempt={claimed.attempt}"
    timeout_ms = claimed.progress_timeout_ms or default_timeout_ms
    fields = (
        *fields,
        *_runtime_fields(claimed),
        Field("@reportTimeout", string_value=f"{timeout_ms / 1000:g}"),
        Field("@reportWithin", string_value=_report_within(timeout_ms)),
        *previous_fields(claimed.checkpoint),
    )
    handle = encode_handle(account, claimed.pipeline_id, claimed.n, claimed.attempt, claimed.claim)
    own = PipelineObject(attempt_id, attempt_id, fields)
    return Task(handle, claimed.pipeline_id, attempt_id, (own, *needed))


def encode_values(fields: tuple[Field, ...]) -> list[str | bytes]:
    """Group reported fields by key, as the store keeps them: key, JSON of its values, …."""
    by_key: dict[str, list[tuple[str | None, str | None]]] = {}
    for field in fields:
        by_key.setdefault(field.key, []).append((field.string_value, field.ref_value))
    flat: list[str | bytes] = []
    for key, values in by_key.items():
        flat += [key, msgspec.json.encode(values)]
    return flat


def reported_fields(progress: dict[str, bytes], prefix: str = "") -> list[Field]:
    """Turn what the store keeps back into fields."""
    return [
        Field(prefix + key, string_value=text, ref_value=ref)
        for key, values in progress.items()
        for text, ref in _VALUES.decode(values)
    ]


def previous_fields(checkpoint: dict[str, bytes]) -> list[Field]:
    """Return what an attempt before last reported, as ``@previous.<key>``."""
    return reported_fields(checkpoint, "@previous.")


def _runtime_fields(claimed: Claimed) -> list[Field]:
    text = {
        "@sphere": "ATTEMPT",
        "@status": "WAITING_FOR_RUNNER",
        "@scheduledStartTime": iso(claimed.scheduled_ms),
        "@scheduledEndTime": iso(claimed.scheduled_end_ms),
        "@actualStartTime": iso(claimed.created_ms),
        "@pipelineId": claimed.pipeline_id,
        "@attemptCount": str(claimed.attempt),
        "@fencingToken": claimed.token,
    }
    return [
        Field("@componentParent", ref_value=claimed.component),
        Field("@instanceParent", ref_value=claimed.instance_id),
        Field("@activeInstances", ref_value=claimed.instance_id),
        *(Field(key, string_value=value) for key, value in text.items()),
    ]


def _report_within(timeout_ms: int) -> str:
    """Seconds between reports: 60, or a third of the timeout if shorter, less up to 10 %."""
    seconds = min(MOST_REPORT_SECONDS, timeout_ms / 3000)
    return f"{seconds * random.uniform(1 - JITTER, 1):.3f}"  # noqa: S311 - only spreads load
