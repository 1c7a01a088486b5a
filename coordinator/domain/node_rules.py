"""Rules about `node`, which an alarm's or a precondition's expressions have for what refers to it.

Each yields the id of an object and what is wrong with it. An alarm tells what has no value as it
was written, so that is a warning; a precondition is a task, whose expressions are looked at as
those of activities are (``expression_rules.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.alarms import REFERRING, TEXTS, probe
from coordinator.domain.definitions import DEFAULT_ID
from coordinator.domain.evaluation import (
    DEFINITION_STEPS,
    Context,
    Evaluation,
    FieldError,
    is_expression,
)
from coordinator.domain.expressions import Budget, parse
from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.object_types.kinds import Family
from coordinator.domain.parameters import grouped, texts_of
from coordinator.domain.spelling import sentence_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coordinator.domain.definitions import Field, ParameterObject, ParameterValue
    from coordinator.domain.view import DefinitionView

    Finding = tuple[str, str]

PROBE_MS = 1_355_270_400_000
MOST_ALARM_NODES = 200  # pairs of an alarm and a node that are looked at
WITH_NODE = frozenset({Family.ACTION, Family.PRECONDITION})
NO_NODE = "which only alarms and preconditions have"
ALARMING = frozenset({Family.ACTIVITY, Family.PRECONDITION})


def misplaced_nodes(view: DefinitionView) -> Iterator[Finding]:
    """Only what others refer to, without a reference back, has a `node`.

    One without a type may be a parent of alarms; those of activities are evaluated anyway.
    """
    for item in view.inherited.values():
        family = _family(view, item.id)
        if family is None or family in WITH_NODE or view.is_activity(item.id):
            continue
        if any(field.key == "node" for field in item.fields):
            continue
        for field in filter(_names_node, item.fields):
            yield item.id, f"'{field.key}' has an expression with 'node', {NO_NODE}."


def alarm_warnings(
    view: DefinitionView,
    parameters: Sequence[ParameterObject],
    values: Sequence[ParameterValue],
) -> Iterator[Finding]:
    """What an alarm could not tell of something that it may be about."""
    known = texts_of(parameters, grouped(values))
    if not all(known.values()):
        return
    pairs = _pairs(view, REFERRING, Family.ACTION, ALARMING)[:MOST_ALARM_NODES]
    yield from _faults(Context(view.inherited, known), pairs, lambda key: key in TEXTS)


def _pairs(
    view: DefinitionView, keys: Sequence[str], of: Family, nodes: frozenset[Family]
) -> list[tuple[str, str]]:
    """Return each object of a family with each that can be its node and refers to it."""
    found = {
        (ref, item.id): None
        for item in view.inherited.values()
        if view.is_activity(item.id) or _family(view, item.id) in nodes
        for key in keys
        for ref in item.refs(key)
    }
    return [pair for pair in found if _family(view, pair[0]) is of]


def _family(view: DefinitionView, object_id: str) -> Family | None:
    kind = OBJECT_TYPES.get(view.types.get(object_id, ""))
    return None if kind is None or object_id == DEFAULT_ID else kind.family


def _faults(
    context: Context, pairs: Sequence[tuple[str, str]], chosen: Callable[[str], bool]
) -> Iterator[Finding]:
    """Say of each field once what is wrong with it, and for which node."""
    work, told = Budget(DEFINITION_STEPS), set()
    for object_id, node in pairs:
        evaluation = Evaluation(context, object_id, probe(node, PROBE_MS), work, node)
        for field in context.objects[object_id].fields:
            place = (object_id, field.key)
            if not is_expression(field) or not chosen(field.key) or place in told:
                continue
            if problem := _problem(evaluation, field):
                told.add(place)
                yield (
                    object_id,
                    f"'{field.key}' has an expression without a value for '{node}': {problem}",
                )


def _problem(evaluation: Evaluation, field: Field) -> str:
    try:
        evaluation.of(field)
    except FieldError as error:
        return "" if error.secret else sentence_end(error.problem)
    return ""


def _names_node(field: Field) -> bool:
    text = field.string_value or ""
    return is_expression(field) and any(chain[0] == "node" for chain in parse(text).names())
