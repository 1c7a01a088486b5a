"""Preconditions: checks that an activity waits for, each a task of its own.

Source: the developer guide's pages on preconditions. An activity waits for its own preconditions
and for those of the data nodes that it reads; `node` in a precondition's expressions is what has
the precondition. So what one object says is checked for each activity and each node apart.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.view import RUNNABLE_SUFFIX
from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coordinator.domain.definitions import Field, PipelineObject
    from coordinator.domain.view import DefinitionView

NODE = "node"
TIMEOUT = "preconditionTimeout"
# A precondition in Default, and one in a data node that all read, are a check for each activity.
MAX_CHECKS = 20_000
MAX_CHARACTERS = 64 << 20


class Check(NamedTuple):
    """A precondition of an activity; `node` is what has it: the activity, or what it reads.

    `id` is what its instances are called after.
    """

    id: str
    precondition: str
    activity: str
    node: str


def node_of(fields: Iterable[Field]) -> str | None:
    """What has the precondition that these are the fields of; None for an activity."""
    kind = node = None
    for field in fields:
        if field.key == "type":
            kind = field.string_value
        elif field.key == NODE and field.ref_value is not None:
            node = field.ref_value
    return None if (kind or "").endswith(RUNNABLE_SUFFIX) else node


def checks(view: DefinitionView) -> dict[str, list[Check]]:
    """The checks of each activity that has any, in order.

    Raises:
        InvalidRequestError: there are more than `MAX_CHECKS`, or all their fields would be too
            large.
    """
    found = [
        (ref, item.id, node) for item in view.activities for ref, node in guarded_by(view, item)
    ]
    if len(found) > MAX_CHECKS or _characters(view, found) > MAX_CHARACTERS:
        raise InvalidRequestError(
            f"The activities of the definition wait for more than {MAX_CHECKS:,} checks of "
            "preconditions, or for 64 MB of them: give fewer of them a precondition."
        )
    by_activity: dict[str, list[Check]] = {}
    for check in _named(view, found):
        by_activity.setdefault(check.activity, []).append(check)
    return by_activity


def guarded_by(view: DefinitionView, item: PipelineObject) -> list[tuple[str, str]]:
    """The preconditions that an activity waits for, each with what has it, once."""
    if not view.guards:
        return []
    holders = (item.id, *item.refs("input"))
    pairs = ((ref, holder) for holder in holders for ref in view.guards.get(holder, ()))
    return list(dict.fromkeys(pair for pair in pairs if pair[0] in view.inherited))


def _named(view: DefinitionView, found: list[tuple[str, str, str]]) -> Iterator[Check]:
    """Give each check a name: that of its precondition, as far as it tells which check it is."""
    uses = Counter(precondition for precondition, _, _ in found)
    pairs = Counter((precondition, activity) for precondition, activity, _ in found)
    names = _Names(view)
    for precondition, activity, node in found:
        if uses[precondition] == 1 and not view.is_activity(precondition):
            yield Check(precondition, precondition, activity, node)
        else:
            several = pairs[precondition, activity] > 1
            name = f"{precondition}_{activity}" + (f"_{node}" if several else "")
            yield Check(names.free(name), precondition, activity, node)


class _Names:
    """Names that no object of the definition has, each given once."""

    def __init__(self, view: DefinitionView) -> None:
        self._taken = set(view.written)
        self._next: dict[str, int] = {}

    def free(self, name: str) -> str:
        """The name, or else the name with the first number that makes it free."""
        made, number = name, self._next.get(name, 2)
        while made in self._taken:
            made, number = f"{name}_{number}", number + 1
        self._next[name] = number
        self._taken.add(made)
        return made


def _characters(view: DefinitionView, found: list[tuple[str, str, str]]) -> int:
    uses = Counter(precondition for precondition, _, _ in found)
    return sum(count * _size(view.inherited[ref]) for ref, count in uses.items())


def _size(item: PipelineObject) -> int:
    return sum(len(f.key) + len(f.string_value or f.ref_value or "") for f in item.fields)
