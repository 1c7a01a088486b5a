"""Inheritance: what an object is once the fields of its parents are its own.

Source: the developer guide on writing a definition. An object takes every key that it lacks from
the object that its `parent` refers to, or from the object called Default if it names no parent.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from coordinator.domain.definitions import DEFAULT_ID, Field
from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coordinator.domain.definitions import PipelineObject

    Groups = dict[str, list[Field]]

# A small definition can inherit its way to a huge one (many objects below one with many fields), so
# the whole is bounded: ten thousand objects of a hundred fields.
MAX_FLATTENED_FIELDS = 1_000_000
MAX_FLATTENED_CHARACTERS = 64 << 20


def flatten(objects: Iterable[PipelineObject]) -> dict[str, list[Field]]:
    """Each object's fields by its id: its own, then the inherited ones, with its effective parent.

    A key that an object gives replaces all fields of that key above it. A parent that does not
    exist, or a circle of parents, ends the chain; `validate` reports both.

    Raises:
        InvalidRequestError: the result has more than `MAX_FLATTENED_FIELDS` fields, or more than
            `MAX_FLATTENED_CHARACTERS` characters in them.
    """
    own = {item.id: _grouped(item) for item in objects}
    parents = {object_id: _adopt(object_id, groups, own) for object_id, groups in own.items()}
    flattened: dict[str, Groups] = {}
    total = characters = 0
    sizes = {id(group): _size(group) for groups in own.values() for group in groups.values()}
    for object_id in own:
        for heir in reversed(_unflattened(object_id, parents, flattened)):
            above = flattened.get(parents[heir] or "", {})
            # The first operand gives the order of the keys, the last one their values.
            flattened[heir] = own[heir] | above | own[heir]
            groups = flattened[heir].values()
            total += sum(map(len, groups))
            characters += sum(sizes[id(group)] for group in groups)
            if total > MAX_FLATTENED_FIELDS or characters > MAX_FLATTENED_CHARACTERS:
                raise InvalidRequestError(
                    "The definition has more than a million fields, or 64 MB of them, once objects "
                    "have inherited those of their parents."
                )
    return {
        object_id: list(chain.from_iterable(flattened[object_id].values())) for object_id in own
    }


def _grouped(item: PipelineObject) -> Groups:
    groups: Groups = {}
    for field in item.fields:
        groups.setdefault(field.key, []).append(field)
    return groups


def _size(group: list[Field]) -> int:
    return sum(len(f.key) + len(f.string_value or f.ref_value or "") for f in group)


def _adopt(object_id: str, groups: Groups, known: Mapping[str, object]) -> str | None:
    """The id of the object's parent, which becomes a field where Default is meant unsaid."""
    if "parent" not in groups and object_id != DEFAULT_ID and DEFAULT_ID in known:
        groups["parent"] = [Field("parent", ref_value=DEFAULT_ID)]
    refs = [field.ref_value for field in groups.get("parent", ())]
    return refs[0] if refs else None


def _unflattened(
    object_id: str, parents: Mapping[str, str | None], flattened: Mapping[str, Groups]
) -> list[str]:
    """The object and those above it that are still to be flattened, lowest first."""
    heirs: dict[str, None] = {}
    heir: str | None = object_id
    while heir is not None and heir in parents and heir not in flattened and heir not in heirs:
        heirs[heir] = None
        heir = parents[heir]
    return list(heirs)
