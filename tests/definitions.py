"""Short words for objects of a definition, as the domain has them."""

from __future__ import annotations

from coordinator.domain.definitions import Field, PipelineObject

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
