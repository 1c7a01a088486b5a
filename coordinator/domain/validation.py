"""What keeps a stored definition from being activated, and what only looks wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.field_rules import FIELD_RULES
from coordinator.domain.graph_rules import GRAPH_RULES
from coordinator.domain.view import DefinitionView
from coordinator.domain.warning_rules import WARNING_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from coordinator.domain.definitions import PipelineObject

    Rule = Callable[[DefinitionView], Iterator[tuple[str, str]]]

# The model's longest validationMessage.
MAX_MESSAGE = 10_000


class Findings(NamedTuple):
    """Sentences by the id of the object that they are about."""

    errors: dict[str, list[str]]
    warnings: dict[str, list[str]]


def validate(objects: Sequence[PipelineObject]) -> Findings:
    """Everything wrong with a definition that `check_fatal` let pass.

    Raises:
        InvalidRequestError: inheritance makes the definition too large.
    """
    view = DefinitionView(objects)
    return Findings(_collect(view, GRAPH_RULES + FIELD_RULES), _collect(view, WARNING_RULES))


def _collect(view: DefinitionView, rules: Iterable[Rule]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule in rules:
        for object_id, sentence in rule(view):
            found.setdefault(object_id, []).append(sentence[:MAX_MESSAGE])
    return found
