"""Evaluation of templates: a text, several texts, or a value.

Source: the developer guide's page on expressions, which shows a list as ``["one", "two"]``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.expressions.budget import MAX_RESULT, Budget
from coordinator.domain.expressions.errors import ExpressionError
from coordinator.domain.expressions.run import Run
from coordinator.domain.expressions.values import as_text

if TYPE_CHECKING:
    from coordinator.domain.expressions.syntax import Template
    from coordinator.domain.expressions.values import Scope, Value


class Evaluated(NamedTuple):
    """A text with its expressions evaluated, and whether a secret is in it."""

    text: str
    secret: bool


def evaluate(template: Template, scope: Scope, budget: Budget | None = None) -> Evaluated:
    """The text of the template; several values are written as a JSON list of them.

    Raises:
        ExpressionError: an expression cannot be evaluated, or the result is too long.
    """
    if _is_plain(template):
        return Evaluated(template.text, secret=False)
    run = Run(budget)
    values = run.template(template, scope)
    text = as_text(values[0]) if len(values) == 1 else _list(values)
    return Evaluated(_short_enough(text), run.secret)


def evaluate_values(
    template: Template, scope: Scope, budget: Budget | None = None
) -> list[Evaluated]:
    """The texts that a field with this template has: one, or one for each combination of lists.

    Raises:
        ExpressionError: an expression cannot be evaluated, or a result is too long.
    """
    if _is_plain(template):
        return [Evaluated(template.text, secret=False)]
    run = Run(budget)
    try:
        values = run.template(template, scope)
        return [Evaluated(_short_enough(as_text(value)), run.secret) for value in values]
    except ExpressionError as error:
        error.secret = run.secret
        raise


def evaluate_value(template: Template, scope: Scope, budget: Budget | None = None) -> Value:
    """The one value of the template, with its type if it is nothing but an expression.

    Raises:
        ExpressionError: an expression cannot be evaluated, or yields several values.
    """
    values = Run(budget).template(template, scope)
    if len(values) == 1:
        return values[0]
    raise ExpressionError(f"one value is needed here, and the expression has {len(values)}", 1)


def _is_plain(template: Template) -> bool:
    return all(isinstance(part, str) for part in template.parts)


def _list(values: list[Value]) -> str:
    shown = [v if isinstance(v, int | float | str) else as_text(v) for v in values]
    return json.dumps(shown, ensure_ascii=False)


def _short_enough(text: str) -> str:
    if len(text) > MAX_RESULT:
        raise ExpressionError(f"the result is longer than {MAX_RESULT} characters", 1)
    return text
