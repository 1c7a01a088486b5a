"""Activities (source: see ``common.py``)."""

from __future__ import annotations

from coordinator.domain.object_types.common import BOOLEAN, POSITIVE, STRING, STRINGS, WAITING
from coordinator.domain.object_types.kinds import (
    Family,
    Fields,
    ObjectType,
    Reference,
    choice,
    fields,
)

_DATA: Fields = {**WAITING, **fields(Reference(Family.DATA_NODE), "input output")}
_HOOKS = fields(
    Reference(Family.SHELL_SCRIPT_CONFIG), "preActivityTaskConfig postActivityTaskConfig"
)
_RESIZING: Fields = {
    "resizeClusterBeforeRunning": BOOLEAN,
    "resizeClusterMaxInstances": POSITIVE,
}


def _activity(own: Fields, required: str = "", one_of: str = "") -> ObjectType:
    """An activity that needs the fields in `required`, and exactly one of those in `one_of`."""
    groups = (tuple(one_of.split()),) if one_of else ()
    return ObjectType(Family.ACTIVITY, {**_DATA, **own}, tuple(required.split()), groups, groups)


ACTIVITIES = {
    "CopyActivity": _activity({}),
    "EmrActivity": _activity(
        {**fields(STRINGS, "step preStepCommand postStepCommand"), **_RESIZING}
    ),
    "HadoopActivity": _activity(
        {**fields(STRING, "jarUri mainClass hadoopQueue"), "argument": STRINGS, **_HOOKS},
        required="jarUri",
    ),
    "HiveActivity": _activity(
        {
            **fields(STRING, "hiveScript scriptUri hadoopQueue"),
            "scriptVariable": STRINGS,
            "stage": BOOLEAN,
            **_HOOKS,
            **_RESIZING,
        },
        one_of="hiveScript scriptUri",
    ),
    "HiveCopyActivity": _activity({"filterSql": STRING, **_HOOKS, **_RESIZING}),
    "PigActivity": _activity(
        {
            **fields(STRING, "script scriptUri generatedScriptsPath"),
            "scriptVariable": STRINGS,
            "stage": BOOLEAN,
            **_HOOKS,
            **_RESIZING,
        },
        one_of="script scriptUri",
    ),
    "RedshiftCopyActivity": _activity(
        {
            "insertMode": choice("KEEP_EXISTING", "OVERWRITE_EXISTING", "TRUNCATE", "APPEND"),
            **fields(STRING, "queue transformSql"),
            "commandOptions": STRINGS,
        },
        required="insertMode",
    ),
    "ShellCommandActivity": _activity(
        {
            **fields(STRING, "command scriptUri stdout stderr"),
            "scriptArgument": STRINGS,
            "stage": BOOLEAN,
        },
        one_of="command scriptUri",
    ),
    "SqlActivity": _activity(
        {
            "database": Reference(Family.DATABASE, several=False),
            **fields(STRING, "script scriptUri queue"),
            "scriptArgument": STRINGS,
        },
        required="database",
        one_of="script scriptUri",
    ),
}
