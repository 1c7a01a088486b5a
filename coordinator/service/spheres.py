"""Instances and attempts as the API shows them: statuses and `@` fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.definitions import Field
from coordinator.domain.times import iso
from coordinator.service.task_objects import reported_fields

if TYPE_CHECKING:
    from coordinator.store.pipelines import Record, StoredInstance

ATTEMPT_MARK = "_Attempt="
# The state of an instance that has no terminal status yet, in the words of the wire.
STATUS_OF_STATE = {
    "blocked": "WAITING_ON_DEPENDENCIES",
    "ready": "WAITING_FOR_RUNNER",
    "leased": "WAITING_FOR_RUNNER",
    "delayed": "SCHEDULED",
}
ERROR_FIELDS = {
    "error_id": "errorId",
    "error_message": "errorMessage",
    "stack_trace": "errorStackTrace",
}


def status(state: str, terminal: str, acked_ms: str) -> str:
    """Name an instance's status: RUNNING only once its runner has acknowledged."""
    if state == "terminal":
        return terminal
    return "RUNNING" if state == "leased" and acked_ms else STATUS_OF_STATE[state]


def split_attempt(object_id: str) -> tuple[str, int]:
    """Split ``<instance id>_Attempt=<n>``; 0 where the id is not an attempt's."""
    instance_id, mark, number = object_id.rpartition(ATTEMPT_MARK)
    if mark and number.isdecimal() and number.isascii() and int(number) > 0:
        return instance_id, int(number)
    return object_id, 0


def instance_fields(pipeline_id: str, stored: StoredInstance) -> list[Field]:
    """Return the run-time fields of an instance."""
    record = stored.instance
    text = {
        "@sphere": "INSTANCE",
        "@status": status(record["state"], record.get("status", ""), record.get("acked_ms", "")),
        "@pipelineId": pipeline_id,
        "@version": record["version"],
        **_times(record),
        "@attemptCount": record["attempt"],
        "@triesLeft": str(max(0, int(record["maximum_retries"]) - int(record.get("tries", 0)))),
        **_errors(record),
    }
    refs = {"@componentParent": record["component"]}
    if handed := record.get("handed"):
        refs["@headAttempt"] = record["id"] + ATTEMPT_MARK + handed
    return _fields(refs, text)


def attempt_fields(pipeline_id: str, stored: StoredInstance, number: int) -> list[Field] | None:
    """Return the run-time fields of an attempt, or None if it was never handed out.

    What its runner reported stands behind, save what would pass for a field of ours.
    """
    record = stored.instance
    ended = stored.attempt if "status" in stored.attempt else {}
    if ended:
        lease, name = ended, ended["status"]
    elif int(record["attempt"]) == number == int(record.get("handed") or 0):
        # Held now, or handed out before and never acknowledged.
        lease = record
        name = status(record["state"], record.get("status", ""), record.get("acked_ms", ""))
    else:
        return None
    text = {
        "@sphere": "ATTEMPT",
        "@status": name,
        "@pipelineId": pipeline_id,
        "@version": record["version"],
        "@scheduledStartTime": iso(int(record["scheduled_ms"])),
        "@scheduledEndTime": iso(int(record["scheduled_ms"])),
        "@actualStartTime": iso(int(lease["claimed_ms"])),
        "@attemptCount": str(number),
        "@fencingToken": lease["token"],
        "hostname": lease.get("hostname", ""),
        **_reports(lease),
        **_errors(ended),
    }
    if ended:
        text["@actualEndTime"] = iso(int(ended["ended_ms"]))
    refs = {"@componentParent": record["component"], "@instanceParent": record["id"]}
    fields = _fields(refs, text)
    taken = {field.key for field in fields}
    reported = reported_fields(stored.progress)
    return fields + [f for f in reported if f.key not in taken and not f.key.startswith("@")]


def _times(record: Record) -> Record:
    scheduled = iso(int(record["scheduled_ms"]))
    times = {
        "@scheduledStartTime": scheduled,
        "@scheduledEndTime": scheduled,
        "@actualStartTime": iso(int(record["created_ms"])),
    }
    if ended_ms := record.get("ended_ms"):
        times["@actualEndTime"] = times["@finishedTime"] = iso(int(ended_ms))
    return times


def _reports(lease: Record) -> Record:
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
