"""Secret fields and parameters: those whose name begins with ``*``.

They are stored and given to runners as they are, and masked in every other answer. Putting the mask
back keeps what is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from coordinator.domain.definitions import (
    Definition,
    Field,
    ParameterAttribute,
    ParameterObject,
    ParameterValue,
    PipelineObject,
)
from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = "*****"
MARK = "*"
# The attributes of a secret parameter that tell its value.
TELLING = frozenset({"default", "allowedValues"})
# A place among the values of a definition: object or parameter, key, how manieth of the key.
Place = tuple[str, str, int]


def is_secret(name: str) -> bool:
    """Whether a field or parameter of this name is a secret."""
    return name.startswith(MARK)


def masked(field: Field) -> Field:
    """The field as it may be shown."""
    if not is_secret(field.key) or field.string_value is None:
        return field
    return Field(field.key, string_value=MASK)


def shown(field: Field, *, secret: bool) -> Field:
    """An evaluated field as it may be shown: masked if it holds something of a secret."""
    return Field(field.key, string_value=MASK) if secret and field.ref_value is None else field


def masked_object(item: PipelineObject) -> PipelineObject:
    """The object as it may be shown."""
    return msgspec.structs.replace(item, fields=tuple(map(masked, item.fields)))


def masked_definition(definition: Definition) -> Definition:
    """The definition as it may be shown."""
    return Definition(
        tuple(map(masked_object, definition.pipeline_objects)),
        tuple(map(_masked_parameter, definition.parameter_objects)),
        tuple(map(_masked_value, definition.parameter_values)),
    )


def restored(definition: Definition, stored: Definition) -> Definition:
    """The definition with what is stored in the place of each mask.

    Raises:
        InvalidRequestError: nothing is stored there.
    """
    kept = dict(_secrets(stored))
    places = [place for place, text in _secrets(definition) if text == MASK]
    for object_id, key, _ in (place for place in places if place not in kept):
        raise InvalidRequestError(
            f"'{key}' of '{object_id}' is the mask {MASK}, and no value is stored that it could "
            "stand for: give the value itself."
        )
    return _Restoring(kept).definition(definition) if places else definition


def has_mask(definition: Definition) -> bool:
    """Whether a secret of the definition is given as the mask."""
    return any(text == MASK for _, text in _secrets(definition))


class _Restoring:
    def __init__(self, kept: dict[Place, str]) -> None:
        self._kept = kept

    def definition(self, given: Definition) -> Definition:
        """Put what was kept in the place of masks."""
        values = _numbered((value.id, "value") for value in given.parameter_values)
        attributes = iter(_attribute_places(given.parameter_objects))
        return Definition(
            tuple(map(self._object, given.pipeline_objects)),
            tuple(self._parameter(item, attributes) for item in given.parameter_objects),
            tuple(
                ParameterValue(value.id, self._text(place, value.string_value))
                for place, value in zip(values, given.parameter_values, strict=True)
            ),
        )

    def _object(self, item: PipelineObject) -> PipelineObject:
        places = _numbered((item.id, field.key) for field in item.fields)
        fields = tuple(
            field
            if field.string_value is None
            else Field(field.key, string_value=self._text(place, field.string_value))
            for place, field in zip(places, item.fields, strict=True)
        )
        return msgspec.structs.replace(item, fields=fields)

    def _parameter(self, item: ParameterObject, places: Iterator[Place]) -> ParameterObject:
        attributes = tuple(
            ParameterAttribute(a.key, self._text(next(places), a.string_value))
            for a in item.attributes
        )
        return ParameterObject(item.id, attributes)

    def _text(self, place: Place, text: str) -> str:
        return self._kept.get(place, text) if text == MASK else text


def _secrets(definition: Definition) -> list[tuple[Place, str]]:
    """Every secret value of a definition, by its place."""
    found: list[tuple[Place, str]] = []
    for item in definition.pipeline_objects:
        places = _numbered((item.id, field.key) for field in item.fields)
        for place, field in zip(places, item.fields, strict=True):
            if is_secret(field.key) and field.string_value is not None:
                found.append((place, field.string_value))
    attributes = iter(_attribute_places(definition.parameter_objects))
    for parameter in definition.parameter_objects:
        for attribute in parameter.attributes:
            place = next(attributes)
            if is_secret(parameter.id) and attribute.key in TELLING:
                found.append((place, attribute.string_value))
    values = _numbered((value.id, "value") for value in definition.parameter_values)
    for place, value in zip(values, definition.parameter_values, strict=True):
        if is_secret(value.id):
            found.append((place, value.string_value))
    return found


def _attribute_places(parameters: Iterable[ParameterObject]) -> list[Place]:
    """The place of each attribute; a parameter that is there twice (an error) has twice as many."""
    return _numbered((item.id, a.key) for item in parameters for a in item.attributes)


def _numbered(names: Iterable[tuple[str, str]]) -> list[Place]:
    """Each name with how many of the same came before."""
    seen: dict[tuple[str, str], int] = {}
    places = []
    for name in names:
        number = seen.get(name, 0)
        seen[name] = number + 1
        places.append((*name, number))
    return places


def _masked_parameter(item: ParameterObject) -> ParameterObject:
    if not is_secret(item.id):
        return item
    return ParameterObject(
        item.id,
        tuple(
            ParameterAttribute(a.key, MASK if a.key in TELLING else a.string_value)
            for a in item.attributes
        ),
    )


def _masked_value(value: ParameterValue) -> ParameterValue:
    return ParameterValue(value.id, MASK) if is_secret(value.id) else value
