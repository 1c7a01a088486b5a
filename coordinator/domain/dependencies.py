"""What each activity waits for: the activities it names, and those that make its input.

Source: the developer guide on data nodes and dependencies. An activity whose `input` is a data node
waits for every activity that has it as `output`, and for what the data node itself `dependsOn`.
Its preconditions wait for the same.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from coordinator.domain.preconditions import guarded_by
from coordinator.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coordinator.domain.definitions import PipelineObject
    from coordinator.domain.view import DefinitionView

    Reasons = dict[str, str]

# A thousand producers of a thousand consumers' input are a million dependencies.
MAX_DEPENDENCIES = 500_000


def dependencies(view: DefinitionView) -> dict[str, tuple[str, ...]]:
    """The ids that each activity waits for: in order, each once, never its own.

    Raises:
        InvalidRequestError: there are more than `MAX_DEPENDENCIES`.
    """
    return {
        object_id: tuple(other for other in reasons if other != object_id)
        for object_id, reasons in dependency_reasons(view).items()
    }


def dependency_reasons(view: DefinitionView) -> dict[str, Reasons]:
    """What each activity waits for, and how it comes to; what is no activity is left out.

    An activity that names itself is in its own dependencies; one that has a data node both as input
    and as output is not.

    Raises:
        InvalidRequestError: there are more than `MAX_DEPENDENCIES`, those of preconditions counted.
    """
    producers = _producers(view)
    found: dict[str, Reasons] = {}
    total = 0
    for item in view.activities:
        found[item.id] = _reasons(view, item, producers)
        guards = len(guarded_by(view, item))
        total += len(found[item.id]) * (guards + 1) + guards
        if total > MAX_DEPENDENCIES:
            raise InvalidRequestError(
                f"The activities of the definition have more than {MAX_DEPENDENCIES:,} "
                "dependencies: let fewer of them share a data node."
            )
    return found


def _reasons(
    view: DefinitionView, item: PipelineObject, producers: Mapping[str, list[str]]
) -> Reasons:
    reasons = {ref: "dependsOn" for ref in item.refs("dependsOn") if view.is_activity(ref)}
    for node, producer in _input_producers(view, item, producers):
        if producer != item.id:
            reasons.setdefault(producer, f"input '{node}'")
    return reasons


def _input_producers(
    view: DefinitionView, item: PipelineObject, producers: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    for node in item.refs("input"):
        waited_for = view.inherited[node].refs("dependsOn") if node in view.inherited else []
        for producer in chain(producers.get(node, ()), waited_for):
            if view.is_activity(producer):
                yield node, producer


def _producers(view: DefinitionView) -> dict[str, list[str]]:
    """The activities that each data node is the output of."""
    found: dict[str, list[str]] = {}
    for item in view.activities:
        for node in item.refs("output"):
            found.setdefault(node, []).append(item.id)
    return found
