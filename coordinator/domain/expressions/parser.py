"""From tokens to a tree.

Source: the developer guide's pages on mathematical and string functions. ``^`` binds tightest and
to the right, then a minus sign, then ``*`` and ``/``, then ``+`` and ``-``, all to the left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.expressions.errors import ExpressionError
from coordinator.domain.expressions.functions import check_call
from coordinator.domain.expressions.lexer import Kind, unquote
from coordinator.domain.expressions.syntax import (
    Call,
    Literal,
    Name,
    Negation,
    Node,
    Operation,
    Step,
)
from coordinator.domain.expressions.values import parse_number

if TYPE_CHECKING:
    from coordinator.domain.expressions.lexer import Token

MAX_DEPTH = 100
_OPERATORS = frozenset("+-*/^")
_LEVELS = ("*/", "+-")


def parse_expression(tokens: list[Token], depth: int = 0) -> Node:
    """The tree of one expression; the last of its tokens is the closing brace.

    `depth` is how deep the caller is already nested.

    Raises:
        ExpressionError: the tokens are no expression, or one nested deeper than `MAX_DEPTH`.
    """
    if len(tokens) == 1:
        raise ExpressionError(
            "there is nothing between '#{' and '}': write a field's name", tokens[0].position
        )
    parser = _Parser(tokens, depth)
    node = parser.expression()
    parser.expect("}")
    return node


class _Parser:
    def __init__(self, tokens: list[Token], depth: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = depth

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"the expression is nested deeper than {MAX_DEPTH} levels")
        steps = [self._step("", self._peek().position)]
        while self._is_operator():
            operator = self._next()
            steps.append(self._step(operator.text, operator.position))
        for symbols in _LEVELS:
            steps = _grouped(steps, symbols)
        self._depth -= 1
        return steps[0].operand

    def expect(self, symbol: str) -> None:
        """Go past `symbol`."""
        if not self._is(symbol):
            hint = "an operator, ',' or ')'" if symbol == ")" else f"an operator or '{symbol}'"
            raise self._error(f"{self._shown()} cannot stand here: {hint} must come next")
        self._next()

    def _step(self, symbol: str, position: int) -> Step:
        """What follows an operator: operands joined by ``^``, each perhaps after minus signs."""
        signed = [(position, self._minus(), self._operand())]
        while self._is("^"):
            power = self._next().position
            signed.append((power, self._minus(), self._operand()))
        if len(signed) > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} powers stand on each other")
        power, minus, exponent = signed.pop()
        node = _negated(minus, exponent)
        while signed:
            step = Step("^", node, power)
            power, minus, base = signed.pop()
            node = _negated(minus, Operation(base, (step,), base.position))
        return Step(symbol, node, position)

    def _minus(self) -> int | None:
        """The position of the minus sign before an operand, if an odd number stands there."""
        minus = None
        while self._is("-"):
            sign = self._next().position
            minus = None if minus else sign
        return minus

    def _operand(self) -> Node:
        token = self._peek()
        if self._is("("):
            self._next()
            node = self.expression()
            self.expect(")")
        elif token.kind is Kind.TEXT:
            node = Literal(unquote(self._next().text), token.position)
        elif token.kind is Kind.NUMBER:
            node = self._number()
        else:
            node = self._chain()
        return self._called(node) if self._is(".") else node

    def _called(self, node: Node) -> Node:
        """What functions after dots make of an operand."""
        for _ in range(MAX_DEPTH):
            if not self._is("."):
                return node
            self._next()
            function = self._name()
            if not self._is("("):
                raise self._error(f"'{function}' cannot stand here: only references have fields")
            node = self._call(function, (node,), node.position)
        raise self._error(f"more than {MAX_DEPTH} functions are called in a row")

    def _number(self) -> Node:
        token = self._next()
        try:
            return Literal(parse_number(token.text), token.position)
        except ValueError as error:
            raise ExpressionError(str(error), token.position) from error

    def _chain(self) -> Node:
        """Names with dots between them; the last may be a function of what stands before it."""
        position = self._peek().position
        chain = [self._name()]
        while self._is("."):
            self._next()
            chain.append(self._name())
        if not self._is("("):
            return Name(tuple(chain), position)
        function = chain.pop()
        receiver: tuple[Node, ...] = (Name(tuple(chain), position),) if chain else ()
        return self._call(function, receiver, position)

    def _name(self) -> str:
        """A name; one of a secret begins with ``*``."""
        star = self._next().text if self._is("*") else ""
        token = self._peek()
        if token.kind is not Kind.NAME:
            raise self._error(
                f"{self._shown()} cannot stand here: write a field, a number, a text in quotes or "
                "a function"
            )
        return star + self._next().text

    def _call(self, function: str, receiver: tuple[Node, ...], position: int) -> Node:
        self._next()
        arguments = list(receiver)
        if not self._is(")"):
            arguments.append(self.expression())
            while self._is(","):
                self._next()
                arguments.append(self.expression())
        self.expect(")")
        try:
            check_call(function, len(arguments))
        except ValueError as error:
            raise ExpressionError(str(error), position) from error
        return Call(function, tuple(arguments), position)

    def _is_operator(self) -> bool:
        return self._peek().kind is Kind.SYMBOL and self._peek().text in _OPERATORS

    def _is(self, symbol: str) -> bool:
        token = self._peek()
        return token.text == symbol and token.kind in {Kind.SYMBOL, Kind.CLOSING}

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += token.kind is not Kind.CLOSING
        return token

    def _shown(self) -> str:
        token = self._peek()
        return "a text" if token.kind is Kind.TEXT else f"'{token.text[:50]}'"

    def _error(self, problem: str) -> ExpressionError:
        return ExpressionError(problem, self._peek().position)


def _negated(minus: int | None, node: Node) -> Node:
    return node if minus is None else Negation(node, minus)


def _grouped(steps: list[Step], symbols: str) -> list[Step]:
    """Join what `symbols` connect; each result keeps the operator before it."""
    groups: list[list[Step]] = []
    for step in steps:
        if step.symbol and step.symbol in symbols:
            groups[-1].append(step)
        else:
            groups.append([step])
    return [_joined(group) for group in groups]


def _joined(group: list[Step]) -> Step:
    first, *others = group
    if not others:
        return first
    operation = Operation(first.operand, tuple(others), first.operand.position)
    return Step(first.symbol, operation, first.position)
