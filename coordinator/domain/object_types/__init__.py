"""The object types of AWS Data Pipeline, and the fields of each.

Source: the developer guide's pipeline object reference. What a self-hosted coordinator has no need
of (roles, machines) is known and not required.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from coordinator.domain.object_types.activities import ACTIVITIES
from coordinator.domain.object_types.common import WAITING
from coordinator.domain.object_types.data import (
    DATA_FORMATS,
    DATA_NODES,
    DATABASES,
    PRECONDITIONS,
)
from coordinator.domain.object_types.others import OTHERS
from coordinator.domain.object_types.resources import RESOURCE_PARTS, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coordinator.domain.object_types.kinds import Fields, Kind, ObjectType

OBJECT_TYPES: Final[Mapping[str, ObjectType]] = MappingProxyType(
    {
        **ACTIVITIES,
        **DATA_NODES,
        **DATABASES,
        **DATA_FORMATS,
        **PRECONDITIONS,
        **RESOURCES,
        **RESOURCE_PARTS,
        **OTHERS,
    }
)


def _all_fields() -> Fields:
    """The fields of all types: none means one thing in one type and another in the next."""
    merged: dict[str, Kind] = {}
    for kind in OBJECT_TYPES.values():
        merged |= kind.fields
    return merged


# An object without a type, such as Default, passes its fields on to objects of any type.
ALL_FIELDS: Final = _all_fields()


def fields_of(kind: str) -> Fields:
    """The fields of a type; of one that nobody knows, those that whatever runs has."""
    if not kind:
        return ALL_FIELDS
    known = OBJECT_TYPES.get(kind)
    return known.fields if known else WAITING


def kind_of(fields: Fields, key: str) -> Kind | None:
    """What is known of the field `key`; a star before it marks a secret."""
    return fields.get(key) or (fields.get(key[1:]) if key.startswith("*") else None)
