"""Rules about parameters and their stored values. Each yields a parameter's id and a sentence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from coordinator.domain.parameters import NEEDS_VALUE, TYPES, Parameter, grouped
from coordinator.domain.spelling import Guesses
from coordinator.domain.values import parse_boolean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coordinator.domain.definitions import ParameterObject, ParameterValue

PREFIX = "my"
REPEATABLE = frozenset({"allowedValues", "default"})
FLAGS = ("optional", "isArray")
ATTRIBUTES = frozenset({"type", "description", *REPEATABLE, *FLAGS})
# Public definitions have these for a console to show.
SHOWN = frozenset({"helpLink", "helpText", "label", "watermark"})


def parameter_errors(
    parameters: Sequence[ParameterObject], values: Sequence[ParameterValue]
) -> Iterator[tuple[str, str]]:
    """What keeps the parameters from ever having values."""
    given = grouped(values)
    for object_id, count in Counter(declared.id for declared in parameters).items():
        if count > 1:
            yield object_id, f"The parameter is declared {count} times."
    for declared in parameters:
        item = Parameter(declared)
        for sentence in (*_misdeclared(item), *_misgiven(item, given.get(item.id, []))):
            yield item.id, sentence


def parameter_warnings(
    parameters: Sequence[ParameterObject], values: Sequence[ParameterValue]
) -> Iterator[tuple[str, str]]:
    """What will do, but hardly is as meant."""
    given, declared = grouped(values), [Parameter(item) for item in parameters]
    guesses, names = Guesses(), {item.id for item in declared}
    for item in declared:
        if item.complaint(given.get(item.id, item.default)) == NEEDS_VALUE:
            yield item.id, f"The parameter {NEEDS_VALUE}."
        for key in item.attributes:
            if key not in ATTRIBUTES | SHOWN and not key.startswith(PREFIX):
                hint = guesses.hint(key, ATTRIBUTES)
                yield item.id, f"'{key}' is not an attribute of parameters{hint}"
    for object_id in given:
        if object_id not in names:
            hint = guesses.hint(object_id, names)
            yield object_id, f"A value is given for a parameter that is not declared{hint}"


def _misdeclared(item: Parameter) -> Iterator[str]:
    if not item.id.removeprefix("*").startswith(PREFIX):
        yield "The name of a parameter must begin with 'my', such as 'myInput'."
    for key, texts in item.attributes.items():
        if len(texts) > 1 and key in ATTRIBUTES - REPEATABLE:
            yield f"'{key}' is given {len(texts)} times."
    if item.type.lower() not in TYPES:
        yield "'type' must be 'String', 'Integer', 'Double' or 'AWS::S3::ObjectKey'."
    for key in FLAGS:
        for text in item.attributes.get(key, []):
            try:
                parse_boolean(text)
            except ValueError as error:
                yield f"'{key}' {error}."
    words = item.complaint(item.default) if item.default else None
    if words:
        yield f"'default' {words}."


def _misgiven(item: Parameter, values: list[str]) -> Iterator[str]:
    words = item.complaint(values) if values else None
    if words:
        yield f"The value {words}."
