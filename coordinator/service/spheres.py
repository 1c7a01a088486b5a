"""Instances and attempts as the API shows them: statuses and `@` fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.secrets import masked
from coordinator.domain.times import iso
from coordinator.service.task_objects import reported_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.store.instances import Health, Record, StoredInstance

ATTEMPT_MARK = "_Attempt="
ENDED = frozenset({"FINISHED", "FAILED", "CANCELED", "CASCADE_FAILED", "SKIPPED"})
# The state of an instance that has no terminal status yet, in the words of the wire.
STATUS_OF_STATE = {
    "blocked": "WAITING_ON_DEPENDENCIES",
    "ready": "WAITING_FOR_RUNNER",
    "leased": "WAITING_FOR_RUNNER",
    "delayed": "SCHEDULED",
}
PAUSED, RUNNING = "PAUSED", "RUNNING"
ERROR_FIELDS = {
    "error_id": "errorId",
    "error_message": "errorMessage",
    "stack_trace": "errorStackTrace",
}
CANCELED_BY = {
    "request": "it was canceled by SetStatus",
    "deactivation": "its pipeline was deactivated",
    "late": "it had not begun when its lateAfterTimeout was over",
    "consumer": "what it was to be checked for has ended",
}
END_REASONS = {
    "reported": "the runner reported it",
    "canceled": "it was canceled",
    "lost": "its lease was lost",
    "timeout": "it took longer than its attemptTimeout",
}


def status(state: str, terminal: str, acked_ms: str, *, paused: bool = False) -> str:
    """Name an instance's status: RUNNING only once its runner has acknowledged."""
    if state == "terminal":
        return terminal
    if state == "ready" and paused:
        return PAUSED
    return RUNNING if state == "leased" and acked_ms else STATUS_OF_STATE[state]


def places_of(name: str) -> tuple[str, ...]:
    """Return where the store's index has instances of a status; nowhere if there is none such."""
    places = tuple(state for state, shown in STATUS_OF_STATE.items() if shown == name)
    if name in {PAUSED, RUNNING}:
        return ("ready",) if name == PAUSED else ("leased",)
    return places or ((name,) if name in ENDED else ())


def split_attempt(object_id: str) -> tuple[str, int]:
    """Split ``<instance id>_Attempt=<n>``; 0 where the id is not an attempt's."""
    instance_id, mark, number = object_id.rpartition(ATTEMPT_MARK)
    if mark and number.isdecimal() and number.isascii() and int(number) > 0:
        return instance_id, int(number)
    return object_id, 0


def component_object(
    item: PipelineObject, ended: Health | None, scheduled: Record, *, paused: bool
) -> PipelineObject:
    """Return a component with its status and health; `ended` is how its last instance ended.

    `scheduled` are the fields that its schedule gives it.
    """
    health = {}
    if ended is not None:
        ill = ended.status != "FINISHED"
        health = {
            "@healthStatus": "ERROR" if ill else "HEALTHY",
            "@healthStatusUpdatedTime": iso(int(ended.ended_ms)),
            "@healthStatusFromInstanceId": ended.instance_id,
        }
    fields = [
        Field("@status", string_value=PAUSED) if paused and f.key == "@status" else f
        for f in item.fields
    ]
    return PipelineObject(item.id, item.name, (*fields, *_fields({}, health | scheduled)))


def instance_fields(
    pipeline_id: str, stored: StoredInstance, waiting: str, definition: Sequence[Field]
) -> list[Field]:
    """Return the fields of an instance: `waiting` is why it waits, `definition` its component's."""
    record = stored.instance
    text = {
        "@sphere": "INSTANCE",
        "@status": _status(stored),
        "@pipelineId": pipeline_id,
        "@version": version(record),
        **_times(record),
        "@attemptCount": record["attempt"],
        "@triesLeft": str(max(0, int(record["maximum_retries"]) - int(record.get("tries", 0)))),
        "@waitingReason": waiting,
        "@cascadeFailedOn": record.get("cascade_failed_on", ""),
        "cancellationReason": CANCELED_BY.get(record.get("canceled_by", ""), ""),
        "hostname": record.get("hostname", ""),
        **_last_report(record),
        **_errors(record),
    }
    refs = {"@componentParent": record["component"]}
    if handed := record.get("handed"):
        refs["@headAttempt"] = record["id"] + ATTEMPT_MARK + handed
    waiting_on = [Field("@waitingOn", string_value=need.id) for need in stored.needs if need.id]
    return [*_fields(refs, text), *waiting_on, *definition]


def attempt_fields(
    pipeline_id: str, stored: StoredInstance, number: int, definition: Sequence[Field]
) -> list[Field] | None:
    """Return the fields of an attempt, or None if it was never handed out.

    What its runner reported stands behind, save what would pass for another field.
    """
    lease = _lease_of(stored, number)
    if lease is None:
        return None
    record, ended = stored.instance, "ended_ms" in lease and "cause" in lease
    text = {
        "@sphere": "ATTEMPT",
        "@status": lease["status"] if ended else _status(stored),
        "@pipelineId": pipeline_id,
        "@version": version(record),
        "@scheduledStartTime": iso(int(record["scheduled_ms"])),
        "@scheduledEndTime": scheduled_end(record),
        "@attemptCount": str(number),
        "@fencingToken": lease["token"],
        "hostname": lease.get("hostname", ""),
        **_history(stored, lease, ended=ended),
        **_errors(lease if ended else {}),
    }
    refs = {"@componentParent": record["component"], "@instanceParent": record["id"]}
    if not ended:
        refs["@activeInstances"] = record["id"]
    fields = [*_fields(refs, text), *definition]
    taken = {field.key for field in fields}
    reported = map(masked, reported_fields(stored.progress))
    return fields + [f for f in reported if f.key not in taken and not f.key.startswith("@")]


def version(record: Record) -> str:
    """Return the number of the version that an instance runs."""
    return record["version"].partition("-")[0]


def scheduled_end(record: Record) -> str:
    """Return the end of an instance's interval; on demand it is its start."""
    return iso(int(record.get("scheduled_end_ms") or record["scheduled_ms"]))


def _status(stored: StoredInstance) -> str:
    record = stored.instance
    return status(
        record["state"],
        record.get("status", ""),
        record.get("acked_ms", ""),
        paused=bool(stored.paused_ms),
    )


def _lease_of(stored: StoredInstance, number: int) -> Record | None:
    """Return what is known of the attempt's hand-out: kept at its end, or still the instance's."""
    record = stored.instance
    if "status" in stored.attempt:
        return stored.attempt
    if int(record["attempt"]) == number == int(record.get("handed") or 0):
        return record  # held now, or handed out before and never acknowledged
    return None


def _times(record: Record) -> Record:
    times = {
        "@scheduledStartTime": iso(int(record["scheduled_ms"])),
        "@scheduledEndTime": scheduled_end(record),
        "@actualStartTime": iso(int(record["created_ms"])),
    }
    if ended_ms := record.get("ended_ms"):
        times["@actualEndTime"] = times["@finishedTime"] = iso(int(ended_ms))
    return times


def _history(stored: StoredInstance, lease: Record, *, ended: bool) -> Record:
    """Return who had the attempt when: handed out, acknowledged, reported, ended and why."""
    lost = sum(key.startswith("was:") for key in stored.attempt)
    history = {
        "@actualStartTime": iso(int(lease["claimed_ms"])),
        "@handedOutTime": iso(int(lease["claimed_ms"])),
        "@lostHandOuts": str(lost) if lost else "",
    }
    if acked_ms := lease.get("acked_ms"):
        history["@acknowledgedTime"] = iso(int(acked_ms))
        if int(lease.get("reports") or 0):
            history["@firstReportTime"] = iso(int(acked_ms))
            history["@reportCount"] = lease["reports"]
        history |= _last_report(lease)
    if ended:
        history["@actualEndTime"] = iso(int(lease["ended_ms"]))
        history["@endReason"] = END_REASONS[lease["cause"]]
    return history


def _last_report(lease: Record) -> Record:
    if not lease.get("acked_ms"):
        return {}
    return {"reportProgressTime": iso(int(lease["renewed_ms"]))}


def _errors(record: Record) -> Record:
    return {name: record[key] for key, name in ERROR_FIELDS.items() if record.get(key)}


def _fields(refs: Record, text: Record) -> list[Field]:
    return [
        *(Field(key, ref_value=value) for key, value in refs.items()),
        *(Field(key, string_value=value) for key, value in text.items() if value),
    ]
