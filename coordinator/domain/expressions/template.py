"""Texts that may hold expressions, split into their parts.

Source: the developer guide's page on expressions. An expression begins with ``#{``; there is no way
to write these two characters for themselves, except in an expression: ``#{'#{'}``.
"""

from __future__ import annotations

from coordinator.domain.expressions.lexer import MAX_TOKENS, OPENING, tokenize
from coordinator.domain.expressions.parser import parse_expression
from coordinator.domain.expressions.syntax import Node, Template


def has_expression(text: str) -> bool:
    """Whether `text` has an expression, readable or not."""
    return OPENING in text


def parse(text: str, depth: int = 0) -> Template:
    """Split `text` and parse its expressions, in time that grows with its length.

    `depth` is how deep the caller is already nested.

    Raises:
        ExpressionError: an expression is not closed, cannot be read, calls a function that does not
            exist or with too few or too many arguments, or the text has more than `MAX_TOKENS`.
    """
    parts: list[str | Node] = []
    end = used = 0
    while (opening := text.find(OPENING, end)) >= 0:
        if opening > end:
            parts.append(text[end:opening])
        tokens = tokenize(text, opening, MAX_TOKENS - used)
        parts.append(parse_expression(tokens, depth))
        used += len(tokens)
        end = tokens[-1].position
    if end < len(text):
        parts.append(text[end:])
    return Template(text, tuple(parts))
