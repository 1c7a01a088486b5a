"""The fields of a definition's objects with their expressions evaluated.

Everything that an evaluation depends on is fixed when an instance is made (the activated version,
its parameter values, the instance's times), so that it can be done whenever the result is wanted.
Source: the developer guide's page on expressions, which says where they are not evaluated.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from coordinator.domain.control_fields import control_fields
from coordinator.domain.definitions import Definition, Field, PipelineObject
from coordinator.domain.expressions import (
    Budget,
    Evaluated,
    ExpressionError,
    evaluate_values,
    has_expression,
    object_scope,
    parse,
)
from coordinator.domain.parameters import grouped, texts_of
from coordinator.domain.spelling import sentence_end
from coordinator.domain.times import instant
from coordinator.domain.view import DefinitionView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from coordinator.domain.expressions.syntax import Template

    RunTime = Mapping[str, datetime | str | int]

STEPS = 200_000  # of one object: half a second at the most
DEFINITION_STEPS = 2_000_000  # of all its objects together
MOST_CACHED = 1024
VERBATIM = frozenset({"id", "name", "type", "sphere"})


class Context(NamedTuple):
    """An activated version: its flattened objects, and the values of its parameters."""

    objects: Mapping[str, PipelineObject]
    parameters: Mapping[str, Sequence[str]]


class FieldError(ValueError):
    """An expression of a field cannot be evaluated; the message names object and field.

    `secret` is set where that depends on a secret, so that only a hand-out may tell.
    """

    def __init__(self, object_id: str, key: str, error: ExpressionError) -> None:
        super().__init__(f"Field '{key}' of object '{object_id}': {sentence_end(error)}")
        self.problem = str(error)
        self.secret = error.secret


class EvaluatedField(NamedTuple):
    """A field without expressions, and whether it holds something of a secret."""

    field: Field
    secret: bool


def run_time_fields(
    pipeline_id: str,
    instance_id: str,
    scheduled_ms: int,
    created_ms: int,
    scheduled_end_ms: int | None = None,
) -> dict[str, datetime | str | int]:
    """What expressions can name of an instance; times in ms since the epoch.

    Without `scheduled_end_ms` the instance is scheduled for a moment: it runs on demand.
    """
    return {
        "@id": instance_id,
        "@pipelineId": pipeline_id,
        "@scheduledStartTime": instant(scheduled_ms),
        "@scheduledEndTime": instant(
            scheduled_ms if scheduled_end_ms is None else scheduled_end_ms
        ),
        "@actualStartTime": instant(created_ms),
    }


def context_of(definition: Definition) -> Context:
    """What the expressions of an activated definition are evaluated in."""
    view = DefinitionView(definition.pipeline_objects)
    given = grouped(definition.parameter_values)
    return Context(view.inherited, texts_of(definition.parameter_objects, given))


class Evaluation:
    """The fields of one object, to be evaluated one by one; `STEPS` bounds all of them together.

    `within` bounds those of several objects. `node` is the id of what refers to this alarm or
    precondition; `run_time` is about that then.
    """

    def __init__(
        self,
        context: Context,
        object_id: str,
        run_time: RunTime,
        within: Budget | None = None,
        node: str | None = None,
    ) -> None:
        self._object_id = object_id
        self._scope = object_scope(
            context.objects, object_id, node=node, run_time=run_time, parameters=context.parameters
        )
        self._budget = Budget(STEPS, within)

    def of(self, field: Field) -> list[EvaluatedField]:
        """Evaluate a field; one whose expression yields a list becomes several.

        Raises:
            FieldError: its expression cannot be evaluated.
        """
        secret = field.key.startswith("*")
        if not is_expression(field):
            return [EvaluatedField(field, secret)]
        try:
            values = evaluate_values(_read(field.string_value or ""), self._scope, self._budget)
        except ExpressionError as error:
            raise FieldError(self._object_id, field.key, error) from error
        return [
            EvaluatedField(Field(field.key, string_value=value.text), secret or value.secret)
            for value in values
            if value.text  # empty: an optional parameter without a value leaves its field out
        ]


def evaluate_fields(
    context: Context,
    object_id: str,
    fields: Iterable[Field],
    run_time: RunTime,
    within: Budget | None = None,
    node: str | None = None,
) -> list[EvaluatedField]:
    """Evaluate `fields` of an object; `node` is what refers to this alarm or precondition.

    Raises:
        FieldError: an expression cannot be evaluated.
    """
    evaluation = Evaluation(context, object_id, run_time, within, node)
    return [found for field in fields for found in evaluation.of(field)]


def evaluate_text(
    context: Context, object_id: str, text: str, run_time: RunTime, node: str | None = None
) -> Evaluated:
    """Evaluate any text in the context of an object; several values are put on lines.

    What depends on a secret has a value, which is to be masked, even where it cannot be evaluated:
    ``1 / (*pin / 5000)`` would otherwise tell whether the secret is below 5,000.

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    scope = object_scope(
        context.objects, object_id, node=node, run_time=run_time, parameters=context.parameters
    )
    template = parse(text)
    try:
        values = evaluate_values(template, scope)
    except ExpressionError as error:
        if error.secret:
            return Evaluated("", secret=True)
        raise
    return Evaluated("\n".join(v.text for v in values), any(v.secret for v in values))


def with_control_values(
    view: DefinitionView, context: Context, within: Budget | None = None
) -> list[PipelineObject]:
    """The objects as written, but with the values of what the coordinator itself goes by.

    Raises:
        FieldError: such a field cannot be evaluated without an instance, or depends on a secret.
    """
    keys = control_fields(view)
    return [
        _controlled(item, view.inherited[item.id], keys.get(item.id, ()), context, within)
        for item in view.written.values()
    ]


def _controlled(
    item: PipelineObject,
    inherited: PipelineObject,
    keys: Sequence[str],
    context: Context,
    within: Budget | None,
) -> PipelineObject:
    changed = [f for f in inherited.fields if f.key in keys and is_expression(f)]
    if not changed:
        return item
    names = {field.key for field in changed}
    check_before_run(item.id, changed)
    values = evaluate_fields(context, item.id, changed, {}, within)
    for value in values:
        if value.secret:
            raise FieldError(item.id, value.field.key, ExpressionError("it must be no secret", 1))
    kept = [field for field in item.fields if field.key not in names]
    return msgspec.structs.replace(item, fields=(*kept, *(value.field for value in values)))


def check_before_run(object_id: str, fields: Iterable[Field]) -> None:
    """Let fields pass that do not depend on an instance.

    Raises:
        FieldError: one names a run-time field.
    """
    for field in fields:
        names = _read(field.string_value or "").names() if is_expression(field) else ()
        for name in (chain[0] for chain in names if chain[0].startswith("@")):
            problem = f"'{name}' is not known before there is an instance"
            raise FieldError(object_id, field.key, ExpressionError(problem, 1))


def is_expression(field: Field) -> bool:
    """Whether the field's value is to be evaluated."""
    text = field.string_value
    return text is not None and field.key not in VERBATIM and has_expression(text)


def _read(text: str) -> Template:
    """Parse a field's text; only short ones are kept, since a tree is many times as large."""
    return _parsed(text) if len(text) <= MOST_CACHED else parse(text)


_parsed = lru_cache(maxsize=1024)(parse)
