"""One evaluation: the walk over the tree and over the fields that it names.

Source: the developer guide's page on expressions. A field can have several values, so every node
yields a list; an operator or a function takes every combination of its operands' values, the first
operand's changing slowest, which keeps lists flat.
"""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING

from coordinator.domain.expressions.budget import Budget
from coordinator.domain.expressions.errors import ExpressionError
from coordinator.domain.expressions.functions import call
from coordinator.domain.expressions.names import missing_field, no_reference
from coordinator.domain.expressions.operators import combine, negate
from coordinator.domain.expressions.parser import MAX_DEPTH
from coordinator.domain.expressions.syntax import (
    Call,
    Literal,
    Name,
    Negation,
    Node,
    Operation,
    Step,
    Template,
)
from coordinator.domain.expressions.template import has_expression, parse
from coordinator.domain.expressions.values import ObjectRef, Scope, Value, as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Run:
    """Evaluates; `secret` tells whether the values of a secret field were used so far."""

    def __init__(self, budget: Budget | None) -> None:
        self.secret = False
        self._budget = budget or Budget()
        self._depth = 0
        self._path: list[tuple[str, str]] = []
        self._parsed: dict[str, Template] = {}

    def template(self, template: Template, scope: Scope) -> list[Value]:
        """The values of a text: of its expression if it is nothing else, or else texts.

        Raises:
            ExpressionError: they cannot be worked out.
        """
        if len(template.parts) == 1 and not isinstance(template.parts[0], str):
            return self._node(template.parts[0], scope)
        columns = [
            [part] if isinstance(part, str) else [as_text(v) for v in self._node(part, scope)]
            for part in template.parts
        ]
        return [self._joined(row) for row in product(*columns)]

    def _joined(self, texts: tuple[str, ...]) -> str:
        self._budget.spend(1 + len(texts) // 10, 1)
        self._budget.spend_text(sum(map(len, texts)), 1)
        return "".join(texts)

    def _node(self, node: Node, scope: Scope) -> list[Value]:
        self._budget.spend(1, node.position)
        self._go_deeper(node.position)
        match node:
            case Literal():
                values: list[Value] = [node.value]
            case Name():
                values = self._name(node, scope)
            case Call():
                values = self._call(node, scope)
            case Negation():
                operand = self._node(node.operand, scope)
                values = [self._guarded(node.position, negate, value) for value in operand]
            case Operation():
                values = self._node(node.first, scope)
                for step in node.steps:
                    values = self._step(values, step, self._node(step.operand, scope))
        self._depth -= 1
        return values

    def _go_deeper(self, position: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(
                f"the expression, with the fields that it names, is nested deeper than {MAX_DEPTH} "
                "levels",
                position,
            )

    def _call(self, node: Call, scope: Scope) -> list[Value]:
        arguments = [self._node(argument, scope) for argument in node.arguments]
        return [
            self._guarded(node.position, call, node.function, row) for row in product(*arguments)
        ]

    def _step(self, left: list[Value], step: Step, right: list[Value]) -> list[Value]:
        return [
            self._guarded(step.position, combine, step.symbol, one, other)
            for one in left
            for other in right
        ]

    def _guarded(self, position: int, work: Callable[..., Value], *args: object) -> Value:
        """What `work` makes of values, paid for and without a word of secrets."""
        self._budget.spend(1, position)
        try:
            value = work(*args)
        except ValueError as error:
            hidden = "a function or an operator cannot take this value, which depends on a secret"
            raise ExpressionError(hidden if self.secret else str(error), position) from error
        if isinstance(value, str):
            self._budget.spend_text(len(value), position)
        return value

    def _name(self, node: Name, scope: Scope) -> list[Value]:
        *above, last = node.chain
        if above and scope.field(above[0]) is None:
            above, last = self._dotted(node, scope)
        scopes = [scope]
        for name in above:
            values = [v for s in scopes for v in self._field(s, name, node.position)]
            scopes = [self._referred(value, name, node.position) for value in values]
        return [value for s in scopes for value in self._field(s, last, node.position)]

    def _dotted(self, node: Name, scope: Scope) -> tuple[list[str], str]:
        """The chain as one name, which a field may have whose own name has a dot."""
        whole = ".".join(node.chain)
        return ([], whole) if scope.field(whole) else (list(node.chain[:-1]), node.chain[-1])

    def _referred(self, value: Value, name: str, position: int) -> Scope:
        if isinstance(value, ObjectRef) and value.scope is not None:
            return value.scope
        raise ExpressionError(no_reference(value, name), position)

    def _field(self, scope: Scope, name: str, position: int) -> list[Value]:
        found = scope.field(name)
        if found is None:
            known = list(islice(scope.known(), 200))
            raise ExpressionError(missing_field(name, scope.label, known), position)
        self.secret |= found.secret
        self._budget.spend(len(found.values), position)
        values: list[Value] = []
        for value in found.values:
            if isinstance(value, str) and found.scope is not None and has_expression(value):
                values += self._nested(value, name, found.scope, position)
            else:
                values.append(value)
        return values

    def _nested(self, text: str, name: str, holder: Scope, position: int) -> list[Value]:
        """The values of a field's text, evaluated where the field stands."""
        entry = (holder.label, name)
        if entry in self._path:
            raise ExpressionError(_circle([*self._path, entry]), position)
        self._path.append(entry)
        self._go_deeper(position)
        try:
            values = self.template(self._template_of(text), holder)
        except ExpressionError as error:
            inside = error.inside or f"'{name}' of '{holder.label}', character {error.position}"
            raise ExpressionError(error.problem, position, inside) from error
        self._depth -= 1
        self._path.pop()
        return values

    def _template_of(self, text: str) -> Template:
        if text not in self._parsed:
            self._budget.spend_text(len(text), 1)
            self._parsed[text] = parse(text, self._depth)
        return self._parsed[text]


def _circle(path: list[tuple[str, str]]) -> str:
    circle = path[path.index(path[-1]) :]
    alone = len({label for label, _ in circle}) == 1
    names: Iterable[str] = (name if alone else f"{label}.{name}" for label, name in circle)
    return f"the fields refer to each other in a circle: {' → '.join(names)}"
