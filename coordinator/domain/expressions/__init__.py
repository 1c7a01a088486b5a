"""Expressions of pipeline definitions: ``#{…}``.

`parse` splits a text into a `Template`; `evaluate` and its relatives work a template out in a
`Scope`. Everything here is pure, and bounded in time, depth and size whatever the text holds: all
that can go wrong is an `ExpressionError`.
"""

from coordinator.domain.expressions.budget import DEFAULT_STEPS, MAX_RESULT, Budget
from coordinator.domain.expressions.errors import ExpressionError
from coordinator.domain.expressions.evaluator import (
    Evaluated,
    evaluate,
    evaluate_value,
    evaluate_values,
)
from coordinator.domain.expressions.lexer import MAX_TOKENS
from coordinator.domain.expressions.parser import MAX_DEPTH
from coordinator.domain.expressions.scope import ObjectScope, object_scope
from coordinator.domain.expressions.syntax import Template
from coordinator.domain.expressions.template import has_expression, parse
from coordinator.domain.expressions.values import Found, ObjectRef, Scope, Value

__all__ = [
    "DEFAULT_STEPS",
    "MAX_DEPTH",
    "MAX_RESULT",
    "MAX_TOKENS",
    "Budget",
    "Evaluated",
    "ExpressionError",
    "Found",
    "ObjectRef",
    "ObjectScope",
    "Scope",
    "Template",
    "Value",
    "evaluate",
    "evaluate_value",
    "evaluate_values",
    "has_expression",
    "object_scope",
    "parse",
]
