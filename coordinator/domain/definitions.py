"""What a pipeline definition is made of: objects, their fields, and parameters.

The classes carry the API's limits and encode to the API's JSON (`stringValue`, `refValue`), so
that the wire decodes straight into them and a definition is stored in the form in which it is
given back.
"""

from __future__ import annotations

from msgspec import Struct

from coordinator.domain.scalars import (  # noqa: TC001 - msgspec reads the annotations
    FieldName,
    FieldValue,
    Id,
)

DEFAULT_ID = "Default"


class Field(Struct, frozen=True, gc=False, omit_defaults=True, rename="camel"):
    """One key of an object with its value: a string, or a reference to another object's id.

    Raises:
        ValueError: both values are given, or none.
    """

    key: FieldName
    string_value: FieldValue | None = None
    ref_value: FieldName | None = None

    def __post_init__(self) -> None:
        if (self.string_value is None) == (self.ref_value is None):
            raise ValueError("must have exactly one of stringValue and refValue")


class PipelineObject(Struct, frozen=True, rename="camel"):
    """An activity, resource, schedule or anything else; a key may come repeatedly."""

    id: Id
    name: Id
    fields: tuple[Field, ...]

    def strings(self, key: str) -> list[str]:
        """The string values given for `key`, in order."""
        return [f.string_value for f in self.fields if f.key == key and f.string_value is not None]

    def refs(self, key: str) -> list[str]:
        """The ids that `key` refers to, in order."""
        return [f.ref_value for f in self.fields if f.key == key and f.ref_value is not None]

    @property
    def type(self) -> str:
        """The object's own type, or an empty string."""
        return next(iter(self.strings("type")), "")


class ParameterAttribute(Struct, frozen=True, gc=False, rename="camel"):
    """One attribute of a parameter: its type, description, default."""

    key: FieldName
    string_value: FieldValue


class ParameterObject(Struct, frozen=True, rename="camel"):
    """A parameter that the definition declares."""

    id: FieldName
    attributes: tuple[ParameterAttribute, ...]


class ParameterValue(Struct, frozen=True, gc=False, rename="camel"):
    """A value for a parameter; an id that comes repeatedly makes a list."""

    id: FieldName
    string_value: FieldValue


class Definition(Struct, frozen=True, rename="camel"):
    """A pipeline definition as it is stored: exactly what was given."""

    pipeline_objects: tuple[PipelineObject, ...] = ()
    parameter_objects: tuple[ParameterObject, ...] = ()
    parameter_values: tuple[ParameterValue, ...] = ()
