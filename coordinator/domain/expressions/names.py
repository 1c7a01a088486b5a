"""What to say about names that lead nowhere."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from coordinator.domain.expressions.values import ObjectRef, Value, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_SHOWN = 100


def missing_field(name: str, label: str, known: Sequence[str]) -> str:
    """There is no field `name`; perhaps one of `known` was meant."""
    shown = name[:_LONGEST_SHOWN]
    missing = f"'{label}' has no field '{shown}'"
    if f"*{name}" in known:
        return f"{missing}: the secret one is '*{shown}'"
    if name == "node":
        return f"{missing}: only alarms and preconditions have it"
    if name in known:
        return f"parameter '{shown}' has no value here"
    if name.startswith("@"):
        return f"{missing}: run-time fields are those of instances, and not known before"
    matches = get_close_matches(shown, known, 1)
    return f"{missing}: did you mean '{matches[0]}'?" if matches else missing


def no_reference(value: Value, name: str) -> str:
    """The value of the field `name` has no fields of its own."""
    if isinstance(value, ObjectRef):
        return f"'{name}' refers to '{value.id}', which is not in the definition"
    return f"'{name}' is {describe(value)}, not a reference to an object, so it has no fields"
