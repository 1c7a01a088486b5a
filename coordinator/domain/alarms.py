"""What an SnsAlarm tells: its texts, evaluated for the instance that it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.evaluation import Evaluation, FieldError, run_time_fields
from coordinator.domain.secrets import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coordinator.domain.definitions import Field
    from coordinator.domain.evaluation import Context, RunTime

TOPIC = "topicArn"
TEXTS = ("subject", "message", TOPIC, "role")
REFERRING = ("onFail", "onSuccess", "onLateAction")
SEPARATOR = {"message": "\n"}  # of the values of a list


class Happening(NamedTuple):
    """What became of an instance; `object_id` is its component's in the definition, times in ms.

    `status` is in the words of the wire, `event` is fail, success or late.
    """

    pipeline_id: str
    instance_id: str
    object_id: str
    event: str
    status: str
    attempt: int
    error_id: str
    error_message: str
    cascade_failed_on: str
    scheduled_ms: int
    scheduled_end_ms: int
    created_ms: int
    raised_ms: int


class Telling(NamedTuple):
    """An alarm's texts by their keys, secrets masked; the topic also as it is.

    `problem` says what could not be evaluated, and is told as it was written.
    """

    texts: dict[str, str]
    topic: str
    problem: str


def named_fields(happening: Happening) -> dict[str, datetime | str | int]:
    """What expressions of an alarm can name of its node, besides the node's own fields."""
    named = run_time_fields(
        happening.pipeline_id,
        happening.instance_id,
        happening.scheduled_ms,
        happening.created_ms,
        happening.scheduled_end_ms,
    )
    named |= {
        "@status": happening.status,
        "@attemptCount": happening.attempt,
        "@cascadeFailedOn": happening.cascade_failed_on,
        "errorId": happening.error_id,
        "errorMessage": happening.error_message,
    }
    if happening.event != "late":
        named["@actualEndTime"] = named["@finishedTime"] = _time(happening.raised_ms)
    return named


def tell(context: Context, alarm_id: str, happening: Happening) -> Telling:
    """Evaluate an alarm's texts; one that has no value is told as it was written."""
    if alarm_id not in context.objects:
        return Telling({}, "", f"'{alarm_id}' is not in the definition.")
    evaluation = Evaluation(
        context, alarm_id, named_fields(happening), node=happening.object_id or None
    )
    fields = context.objects[alarm_id].fields
    texts, topic, problems = {}, "", []
    for key in TEXTS:
        text, secret, problem = _text(evaluation, key, [f for f in fields if f.key == key])
        topic = text if key == TOPIC else topic
        if text or secret:
            texts[key] = MASK if secret else text
        if problem:
            problems.append(problem)
    return Telling(texts, topic, " ".join(problems))


def _text(evaluation: Evaluation, key: str, fields: Iterable[Field]) -> tuple[str, bool, str]:
    """Return the values of fields, whether something of them is secret, and what is wrong."""
    values, secret, problem = [], False, ""
    for field in fields:
        try:
            found = evaluation.of(field)
        except FieldError as error:
            problem = f"'{key}' cannot be evaluated." if error.secret else str(error)
            secret = secret or error.secret
            values.append(field.string_value or "")
        else:
            values += [each.field.string_value or "" for each in found]
            secret = secret or any(each.secret for each in found)
    return SEPARATOR.get(key, " ").join(values), secret, problem


def probe(object_id: str, at_ms: int) -> RunTime:
    """What a node's run-time names may be, to see whether an expression has a value."""
    words = ("df-PROBE", "@Probe_2012-12-12T00:00:00", object_id, "fail", "FAILED", 1)
    return named_fields(
        Happening(*words, "ErrorId", "error message", "", at_ms, at_ms, at_ms, at_ms)
    )


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)
