"""Fields that many object types share.

Source: the developer guide's pipeline object reference, and public definitions for the few that it
leaves out. An activity needs a `runsOn` or a `workerGroup`, which has a rule of its own
(``field_rules.py``), so the tables do not say so. Neither do they require `role` and
`resourceRole`: there is nothing to assume them for.
"""

from __future__ import annotations

from coordinator.domain.concurrency import parse_active_instances
from coordinator.domain.durations import parse_duration
from coordinator.domain.object_types.kinds import Family, Fields, Reference, Value, choice, fields
from coordinator.domain.retries import FIELD_PARSERS
from coordinator.domain.times import parse_time
from coordinator.domain.values import (
    parse_boolean,
    parse_double,
    parse_integer,
    parse_period,
    parse_positive,
    parse_schedule_period,
)

STRING = Value()
STRINGS = Value(several=True)
INTEGER = Value(parse_integer)
POSITIVE = Value(parse_positive)
DOUBLE = Value(parse_double)
BOOLEAN = Value(parse_boolean)
DURATION = Value(parse_duration)
PERIOD = Value(parse_period)
SCHEDULE_PERIOD = Value(parse_schedule_period)
DATETIME = Value(parse_time)
# The API reference's own words for a start that is no time.
START = Value(
    parse_time, sentence="INVALID_FIELD_VALUE:  '{key}' value must be a literal datetime value."
)

ANY_TYPE: Fields = {"type": STRING, "parent": Reference(None, several=False)}

TRIED: Fields = {
    **ANY_TYPE,
    **fields(STRING, "attemptStatus"),
    **fields(DURATION, "lateAfterTimeout"),
    **{key: Value(parser) for key, parser in FIELD_PARSERS.items()},
    **fields(Reference(Family.ACTION), "onFail onLateAction onSuccess"),
    "failureAndRerunMode": choice("none", "cascade"),
}

RUN: Fields = {
    **TRIED,
    "maxActiveInstances": Value(parse_active_instances),
    **fields(STRING, "pipelineLogUri workerGroup"),
    "runsOn": Reference(Family.RESOURCE, several=False, strict=True),
    "schedule": Reference(Family.SCHEDULE, several=False, strict=True),
    "scheduleType": choice("cron", "ondemand", "timeseries"),
}

WAITING: Fields = {
    **RUN,
    "dependsOn": Reference(Family.ACTIVITY, strict=True),
    "precondition": Reference(Family.PRECONDITION, strict=True),
}
