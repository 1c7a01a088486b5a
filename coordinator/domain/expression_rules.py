"""Rules about expressions. Each yields the id of an object and what is wrong with it.

In activities, in their schedules and preconditions, and in what they name, every expression must
have a value; elsewhere it must only be one, since it may name what only heirs of the object have.
What may name `node` is in ``node_rules.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from coordinator.domain.control_fields import SCHEDULE, SCHEDULE_FIELDS, control_fields
from coordinator.domain.evaluation import (
    DEFINITION_STEPS,
    Context,
    Evaluation,
    FieldError,
    check_before_run,
    is_expression,
    run_time_fields,
)
from coordinator.domain.expressions import Budget, ExpressionError, object_scope, parse
from coordinator.domain.node_rules import misplaced_nodes
from coordinator.domain.parameters import grouped, texts_of
from coordinator.domain.preconditions import guarded_by
from coordinator.domain.spelling import sentence_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coordinator.domain.definitions import (
        Field,
        ParameterObject,
        ParameterValue,
        PipelineObject,
    )
    from coordinator.domain.expressions.values import Scope
    from coordinator.domain.view import DefinitionView

PROBE_MS = 1_355_270_400_000  # any time will do to see whether an expression has a value
RUN_TIME = run_time_fields("df-PROBE", "@Probe_2012-12-12T00:00:00", PROBE_MS, PROBE_MS)


def expression_errors(
    view: DefinitionView,
    parameters: Sequence[ParameterObject],
    values: Sequence[ParameterValue],
) -> Iterator[tuple[str, str]]:
    """What keeps the expressions of a definition from being evaluated.

    While a parameter has no value yet, only the names that expressions hold are looked at.
    """
    known = texts_of(parameters, grouped(values))
    unreadable = dict.fromkeys(_syntax_errors(view))
    yield from unreadable
    if unreadable:
        return
    yield from misplaced_nodes(view)
    if all(known.values()):
        yield from _evaluation_errors(view, Context(view.inherited, known))
    else:
        yield from _unknown_names(view, known)


def _syntax_errors(view: DefinitionView) -> Iterator[tuple[str, str]]:
    for item in view.written.values():
        for field in item.fields:
            try:
                if is_expression(field):
                    parse(field.string_value or "")
            except ExpressionError as error:
                yield (
                    item.id,
                    f"'{field.key}' has an expression that cannot be read: {sentence_end(error)}",
                )


def _evaluation_errors(view: DefinitionView, context: Context) -> Iterator[tuple[str, str]]:
    work, controls = Budget(DEFINITION_STEPS), control_fields(view)
    for item, node in _evaluated(view):
        running = Evaluation(context, item.id, RUN_TIME, work, node=node)
        before = Evaluation(context, item.id, {}, work)
        for field in filter(is_expression, item.fields):
            control = field.key in controls.get(item.id, ())
            fault = _fault(before, item.id, field) if control else _fault(running, "", field)
            if fault:
                yield item.id, f"'{field.key}' {fault}"


def _evaluated(view: DefinitionView) -> Iterator[tuple[PipelineObject, str | None]]:
    """The objects whose expressions must have values; preconditions with what has them, each."""
    for item in view.activities:
        yield item, None
    for object_id, kind in view.types.items():
        if kind == SCHEDULE:
            yield _only_control(view.inherited[object_id]), None
    pairs = dict.fromkeys(pair for item in view.activities for pair in guarded_by(view, item))
    for precondition, node in pairs:
        yield view.inherited[precondition], node


def _only_control(item: PipelineObject) -> PipelineObject:
    """A Schedule without what it inherits of no use, which may be meant for its other heirs."""
    return replace(item, fields=tuple(f for f in item.fields if f.key in SCHEDULE_FIELDS))


def _fault(evaluation: Evaluation, control_of: str, field: Field) -> str:
    """Say what is wrong with an expression; `control_of` is whose control field it is, if it is.

    Whether one that depends on a secret has a value is told at a hand-out only: it tells something
    of the secret.
    """
    try:
        if control_of:
            check_before_run(control_of, [field])
        secret = any(value.secret for value in evaluation.of(field))
    except FieldError as error:
        if not error.secret:
            return f"has an expression without a value: {sentence_end(error.problem)}"
        secret = True
    return "must not depend on a secret: everybody sees it." if control_of and secret else ""


def _unknown_names(
    view: DefinitionView, known: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str]]:
    for item, node in _evaluated(view):
        scope = object_scope(
            view.inherited, item.id, node=node, run_time=RUN_TIME, parameters=known
        )
        for field in filter(is_expression, item.fields):
            for name in _unknown(scope, field, known):
                yield item.id, f"'{field.key}' has an expression with '{name}', which is no field."


def _unknown(scope: Scope, field: Field, known: Mapping[str, Sequence[str]]) -> list[str]:
    chains = parse(field.string_value or "").names()
    return [
        chain[0]
        for chain in chains
        if chain[0] not in known
        and scope.field(chain[0]) is None
        and scope.field(".".join(chain)) is None
    ]
