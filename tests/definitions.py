"""Short words for objects of a definition, as the domain has them."""

from __future__ import annotations

from coordinator.domain.components import compile_components
from coordinator.domain.definitions import Field, PipelineObject

START = "2026-01-31T08:00:00"
START_MS = 1_769_846_400_000
ALARM = {"subject": "s", "message": "m"}
REFERENCES = (
    "dependsOn",
    "parent",
    "runsOn",
    "schedule",
    "input",
    "output",
    "precondition",
    "database",
    "dataFormat",
    "onFail",
    "onLateAction",
    "onSuccess",
    "property",
)


def thing(object_id, kind=None, **fields):
    """An object; a list repeats a key, and the keys above are references unless marked with =."""
    pairs = [("type", kind)] if kind else []
    for key, value in fields.items():
        pairs += [(key, each) for each in (value if isinstance(value, list) else [value])]
    made = (
        Field(key, ref_value=value)
        if key in REFERENCES and not value.startswith("=")
        else Field(key, value.removeprefix("="))
        for key, value in pairs
    )
    return PipelineObject(object_id, f"name of {object_id}", tuple(made))


def activity(object_id, **fields):
    """A shell command for worker group g."""
    return thing(
        object_id, "ShellCommandActivity", **{"workerGroup": "g", "command": "true"} | fields
    )


def every(object_id="s", period="1 day", **fields):
    """A Schedule; without a start it begins at a fixed time."""
    start = {} if {"startAt", "startDateTime"} & set(fields) else {"startDateTime": START}
    return thing(object_id, "Schedule", **{"period": period} | start | fields)


def compiled(*objects, **settings):
    """The components of `objects`."""
    defaults = {"maximum_retries": 2, "retry_delay_ms": 600_000, "resource_groups": {}}
    return compile_components(objects, **defaults | settings)
