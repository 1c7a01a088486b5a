"""Objects of a pipeline definition as a task carries them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Fields = dict[str, list[str]]


@dataclass(frozen=True)
class Object:
    """An object with its fields; each has one text or several, a reference is the other's id."""

    id: str
    fields: Mapping[str, list[str]] = field(default_factory=dict)

    def field(self, key: str, default: str | None = None) -> str | None:
        """Return the first value of a field, or `default`."""
        return next(iter(self.all(key)), default)

    def all(self, key: str) -> list[str]:
        """Return every value of a field, in the definition's order."""
        return self.fields.get(key, [])

    def flag(self, key: str) -> bool:
        """Return whether a field says true."""
        return (self.field(key) or "").strip().lower() == "true"

    @property
    def type(self) -> str:
        """The object's type; empty where it names none."""
        return self.field("type") or ""


def from_wire(pipeline_object: Mapping[str, Any]) -> Fields:
    """Return the fields of an object of the API."""
    fields: Fields = {}
    for one in pipeline_object.get("fields", []):
        value = one.get("stringValue", one.get("refValue", ""))
        fields.setdefault(one["key"], []).append(value)
    return fields
