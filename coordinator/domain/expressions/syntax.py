"""What an expression is made of once it is parsed.

Every node has its `position` in the whole text, counted from 1. What belongs to one level of
precedence is one flat node, so that a long sum is not a deep tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Literal(NamedTuple):
    """A number, or a text in quotes."""

    value: str | int | float
    position: int


class Name(NamedTuple):
    """A chain of fields: ``@scheduledStartTime``, ``input.directoryPath``, ``db.*password``."""

    chain: tuple[str, ...]
    position: int


class Call(NamedTuple):
    """A function with its arguments; ``x.f(y)`` is the same as ``f(x, y)``."""

    function: str
    arguments: tuple[Node, ...]
    position: int


class Negation(NamedTuple):
    """A minus sign before an operand."""

    operand: Node
    position: int


class Step(NamedTuple):
    """An operator with what stands on its right."""

    symbol: str
    operand: Node
    position: int


class Operation(NamedTuple):
    """Operators of one precedence, applied from left to right."""

    first: Node
    steps: tuple[Step, ...]
    position: int


Node = Literal | Name | Call | Negation | Operation


@dataclass(frozen=True, slots=True)
class Template:
    """A text split into what is taken as it stands (strings) and expressions (nodes)."""

    text: str
    parts: tuple[str | Node, ...]

    def names(self) -> tuple[tuple[str, ...], ...]:
        """Every chain of fields that the expressions name, once, in no particular order."""
        found: dict[tuple[str, ...], None] = {}
        nodes = [part for part in self.parts if not isinstance(part, str)]
        while nodes:
            node = nodes.pop()
            if isinstance(node, Name):
                found[node.chain] = None
            nodes.extend(_children(node))
        return tuple(found)


def _children(node: Node) -> list[Node]:
    match node:
        case Call():
            return list(node.arguments)
        case Negation():
            return [node.operand]
        case Operation():
            return [node.first, *(step.operand for step in node.steps)]
        case _:
            return []
