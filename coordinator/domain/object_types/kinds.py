"""What the tables say of a field: how it is given, what it may say, what it may refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from coordinator.domain.spelling import listed

if TYPE_CHECKING:
    from collections.abc import Callable


class Family(StrEnum):
    """Object types that can stand in for one another, in words for sentences."""

    ACTIVITY = "an activity"
    DATA_NODE = "a data node"
    RESOURCE = "a resource"
    PRECONDITION = "a precondition"
    ACTION = "an SnsAlarm or Terminate"
    SCHEDULE = "a Schedule"
    DATABASE = "a database"
    DATA_FORMAT = "a data format"
    HTTP_PROXY = "an HttpProxy"
    SHELL_SCRIPT_CONFIG = "a ShellScriptConfig"
    EMR_CONFIGURATION = "an EmrConfiguration"
    PROPERTY = "a Property"
    EBS = "an EBS object"


@dataclass(frozen=True, slots=True)
class Value:
    """A field that is given as a string.

    `parse` raises a ValueError whose message continues a sentence begun by the field's name;
    `sentence` is what an author reads of it.
    """

    parse: Callable[[str], object] | None = None
    several: bool = False
    sentence: str = "'{key}' {problem}."


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that refers to an object; `strict`: one of another family cannot work."""

    to: Family | None
    several: bool = True
    strict: bool = False


Kind = Value | Reference
Fields = Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class ObjectType:
    """What is known of a type: its fields, and which of them it cannot do without.

    Of each group in `one_of` at least one field is needed; of each in `at_most_one` the others
    would be overlooked.
    """

    family: Family
    fields: Fields
    required: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()


def fields(kind: Kind, names: str) -> dict[str, Kind]:
    """The same kind for each of `names`, which are separated by spaces."""
    return dict.fromkeys(names.split(), kind)


def choice(*values: str) -> Value:
    """A field with one of `values`, in any case."""
    known = frozenset(value.lower() for value in values)
    alternatives = listed(values)

    def parse(text: str) -> str:
        if text.lower() not in known:
            raise ValueError(f"must be {alternatives}")
        return text

    return Value(parse)
