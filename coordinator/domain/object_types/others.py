"""The Schedule, actions, and scripts around activities (source: see ``common.py``)."""

from __future__ import annotations

from coordinator.domain.object_types.common import (
    ANY_TYPE,
    DATETIME,
    POSITIVE,
    SCHEDULE_PERIOD,
    START,
    STRING,
    STRINGS,
)
from coordinator.domain.object_types.kinds import Family, ObjectType, choice, fields

OTHERS = {
    "Schedule": ObjectType(
        Family.SCHEDULE,
        {
            **ANY_TYPE,
            "period": SCHEDULE_PERIOD,
            "startAt": choice("FIRST_ACTIVATION_DATE_TIME", "ONDEMAND_ACTIVATION_TIME"),
            "startDateTime": START,
            "endDateTime": DATETIME,
            "occurrences": POSITIVE,
        },
        required=("period",),
        one_of=(("startDateTime", "startAt"),),
    ),
    "ShellScriptConfig": ObjectType(
        Family.SHELL_SCRIPT_CONFIG,
        {**ANY_TYPE, "scriptUri": STRING, "scriptArgument": STRINGS},
    ),
    "SnsAlarm": ObjectType(
        Family.ACTION,
        {**ANY_TYPE, **fields(STRING, "message role subject topicArn")},
        required=("message", "subject", "topicArn"),
    ),
    "Terminate": ObjectType(Family.ACTION, ANY_TYPE),
}
