"""Definition files of the aws command line: objects, parameters and values as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from coordinator.domain.definitions import (
    Field,
    ParameterAttribute,
    ParameterObject,
    ParameterValue,
    PipelineObject,
)

PUBLIC = sorted((Path(__file__).parent / "definitions_public").glob("*.json"))


class DefinitionFile(NamedTuple):
    """A definition as the API gets it."""

    objects: list[PipelineObject]
    parameters: list[ParameterObject]
    values: list[ParameterValue]


def read(path):
    """Read a file; lists become repeated keys, {"ref": …} a reference."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    return DefinitionFile(
        [_object(**item) for item in content["objects"]],
        [_parameter(**item) for item in content.get("parameters", [])],
        [ParameterValue(*pair) for pair in _pairs(content.get("values", {}))],
    )


def _object(id, name=None, **fields):  # noqa: A002 - the file's own word
    made = (
        Field(key, ref_value=value["ref"]) if isinstance(value, dict) else Field(key, value)
        for key, value in _pairs(fields)
    )
    return PipelineObject(id, name or id, tuple(made))


def _parameter(id, **attributes):  # noqa: A002 - the file's own word
    return ParameterObject(id, tuple(ParameterAttribute(*pair) for pair in _pairs(attributes)))


def _pairs(given):
    for key, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            yield key, each
