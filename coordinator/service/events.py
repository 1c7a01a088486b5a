"""An alarm as it is posted: a CloudEvent as JSON (https://cloudevents.io, version 1.0)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent

from coordinator.domain.alarms import Happening
from coordinator.domain.times import iso
from coordinator.service.spheres import STATUS_OF_STATE

if TYPE_CHECKING:
    from cloudevents.core.bindings.http import HTTPMessage

    from coordinator.domain.alarms import Telling
    from coordinator.store.alarms import Raised, StoredAlarm

TYPES = {
    "fail": "coordinator.instance.failed",
    "success": "coordinator.instance.succeeded",
    "late": "coordinator.instance.late",
}


def happening_of(which: Raised, stored: StoredAlarm) -> Happening:
    """Return what an alarm is about."""
    record = stored.record
    return Happening(
        which.pipeline_id,
        record["id"],
        record["object"],
        record["event"],
        STATUS_OF_STATE.get(record["status"], record["status"]),
        int(record["attempt"]),
        record["error_id"],
        record["error_message"],
        record["cascade_failed_on"],
        int(record["scheduled_ms"]),
        int(record["scheduled_end_ms"]),
        int(record["created_ms"]),
        int(record["raised_ms"]),
    )


def event_of(which: Raised, stored: StoredAlarm, telling: Telling) -> HTTPMessage:
    """Return the body and headers of an alarm: the same each time, so that receivers know it."""
    about = happening_of(which, stored)
    event = CloudEvent(
        {
            # What a failover of Redis loses may be followed by another alarm of the same number.
            "id": f"{which.pipeline_id}-{which.seq}-{about.raised_ms}",
            "source": f"/pipelines/{which.pipeline_id}/instances/{about.instance_id}",
            "type": TYPES[about.event],
            "subject": about.instance_id,
            "time": datetime.fromtimestamp(about.raised_ms / 1000, UTC),
            "datacontenttype": "application/json",
        },
        _data(stored, about, telling),
    )
    return to_structured_event(event)


def _data(stored: StoredAlarm, about: Happening, telling: Telling) -> dict[str, str | int]:
    texts = {key: telling.texts.get(key, "") for key in ("subject", "message", "topicArn")}
    sometimes = {
        "role": telling.texts.get("role", ""),
        "pipelineName": stored.pipeline_name,
        "cascadeFailedOn": about.cascade_failed_on,
        "problem": telling.problem,
    }
    return {
        **texts,
        "event": about.event,
        "pipelineId": about.pipeline_id,
        "instanceId": about.instance_id,
        "componentId": stored.record["component"],
        "status": about.status,
        "errorId": about.error_id,
        "errorMessage": about.error_message,
        "attempt": about.attempt,
        "scheduledStartTime": iso(about.scheduled_ms),
        "scheduledEndTime": iso(about.scheduled_end_ms),
        **{key: text for key, text in sometimes.items() if text},
    }
