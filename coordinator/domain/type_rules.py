"""Rules about fields that an object's type has. Each yields the id of an object and a sentence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from coordinator.domain.definitions import DEFAULT_ID
from coordinator.domain.expressions import has_expression
from coordinator.domain.field_rules import SINGLE
from coordinator.domain.object_types import OBJECT_TYPES, fields_of, kind_of
from coordinator.domain.object_types.kinds import Reference, Value
from coordinator.domain.spelling import Guesses, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.domain.definitions import Field, PipelineObject
    from coordinator.domain.object_types.kinds import Kind, ObjectType
    from coordinator.domain.view import DefinitionView

USER_PREFIX = "my"
OWN_NAME = "; a field of your own has a name like 'myField'."


def strings_for_references(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What must be a reference is not given as a string, which would be overlooked."""
    for item, field, kind in _known_fields(view):
        if isinstance(kind, Reference) and field.string_value is not None:
            yield item.id, f"'{field.key}' must be a reference, not a string."


def references_for_strings(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """What must be a string is not given as a reference, which would be overlooked."""
    for item, field, kind in _known_fields(view):
        if isinstance(kind, Value) and field.ref_value is not None:
            yield item.id, f"'{field.key}' must be a string, not a reference."


def unreadable_values(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Numbers, times and words from a list can be read; what has an expression is read later."""
    for item, field, kind in _known_fields(view):
        text = field.string_value
        if text is None or not isinstance(kind, Value) or kind.parse is None:
            continue
        if not has_expression(text):
            try:
                kind.parse(text)
            except ValueError as error:
                yield item.id, kind.sentence.format(key=field.key, problem=error)


def missing_fields(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """An object has, inherited fields included, what its type cannot do without."""
    for item, kind, given in _typed_objects(view):
        name = view.types[item.id]
        for key in kind.required:
            if key.removeprefix("*") not in given:
                yield item.id, f"{name} needs '{key}'."
        for group in kind.one_of:
            if given.isdisjoint(group):
                yield item.id, f"{name} needs {listed(group)}."


def overlooked_fields(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """Of fields that say the same in different ways only one is given."""
    for item, kind, given in _typed_objects(view):
        for group in kind.at_most_one:
            if given.issuperset(group):
                yield (
                    item.id,
                    f"Only one of {listed(group)} can be used: remove the other.",
                )


def repeated_fields(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A field that hardly can have several values has one (``field_rules.py`` has the errors)."""
    for item in view.written.values():
        known = fields_of(view.types[item.id])
        for key, count in Counter(field.key for field in item.fields).items():
            kind = kind_of(known, key) if count > 1 else None
            if kind and not kind.several and key not in SINGLE:
                yield item.id, f"'{key}' is given {count} times, where one value is expected."


def unknown_fields(view: DefinitionView) -> Iterator[tuple[str, str]]:
    """A field that nobody knows is probably misspelt, unless it is named as the user's own."""
    guesses = Guesses()
    for item in view.written.values():
        name = view.types[item.id]
        if name and name not in OBJECT_TYPES:
            continue
        known = fields_of(name)
        where = f"a field of {name}" if name else "a field of any type"
        for key in dict.fromkeys(field.key for field in item.fields):
            if kind_of(known, key) is None and not is_users_own(key):
                hint = guesses.hint(key, known, OWN_NAME)
                yield item.id, f"'{key}' is not {where}{hint}"


def is_users_own(key: str) -> bool:
    """Whether the field is named as users' own are: my, then a capital letter or underscore."""
    name = key.removeprefix("*")
    rest = name.removeprefix(USER_PREFIX)
    return rest != name and (rest[:1].isupper() or rest[:1] == "_")


def _known_fields(view: DefinitionView) -> Iterator[tuple[PipelineObject, Field, Kind]]:
    for item in view.written.values():
        known = fields_of(view.types[item.id])
        for field in item.fields:
            kind = kind_of(known, field.key)
            if kind is not None:
                yield item, field, kind


def _typed_objects(view: DefinitionView) -> Iterator[tuple[PipelineObject, ObjectType, set[str]]]:
    """Objects of known types with the keys that they have, own and inherited, without stars."""
    for item in view.inherited.values():
        kind = OBJECT_TYPES.get(view.types[item.id])
        if kind and item.id != DEFAULT_ID:
            yield item, kind, {field.key.removeprefix("*") for field in item.fields}


TYPE_RULES = (
    strings_for_references,
    references_for_strings,
    unreadable_values,
    missing_fields,
)
