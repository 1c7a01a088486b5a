"""The words of an expression: from its ``#{`` to its ``}``.

Source: the developer guide's pages on expressions and on simple data types. A text stands in single
or double quotes; a quote inside is doubled or follows a backslash. A closing brace ends the
expression unless it is inside such a text.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from coordinator.domain.expressions.errors import ExpressionError

OPENING = "#{"
MAX_TOKENS = 100_000
_SPACE = re.compile(r"\s*+")
_TOKEN = re.compile(
    r"""(?P<NUMBER>[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)
    |(?P<NAME>@?+[^\W\d]\w*+)
    |(?P<TEXT>'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+")
    |(?P<SYMBOL>[-+*/^(),.])
    |(?P<CLOSING>\})""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"""\\([\\'"])|''|\"\"""")


class Kind(Enum):
    """What a token is."""

    NUMBER = "NUMBER"
    NAME = "NAME"
    TEXT = "TEXT"
    SYMBOL = "SYMBOL"
    CLOSING = "CLOSING"


class Token(NamedTuple):
    """A word of an expression; its position in the whole text counts from 1."""

    kind: Kind
    text: str
    position: int


def tokenize(text: str, opening: int, allowed: int) -> list[Token]:
    """The tokens of the expression whose ``#{`` is at index `opening`, its ``}`` the last.

    Raises:
        ExpressionError: the expression is not closed, has more than `allowed` tokens, or has a
            character that means nothing.
    """
    tokens: list[Token] = []
    at = _after_space(text, opening + len(OPENING))
    while at < len(text):
        if len(tokens) >= allowed:
            raise ExpressionError(
                f"the text has more than {MAX_TOKENS} names, numbers and signs in its expressions",
                at + 1,
            )
        found = _TOKEN.match(text, at)
        if found is None:
            raise ExpressionError(_unreadable(text[at]), at + 1)
        tokens.append(Token(Kind(found.lastgroup), found.group(), at + 1))
        if tokens[-1].kind is Kind.CLOSING:
            return tokens
        at = _after_space(text, found.end())
    raise ExpressionError(
        f"'{OPENING}' is not closed: write '}}' after the expression", opening + 1
    )


def unquote(literal: str) -> str:
    """What a text in quotes means."""
    quote = literal[0]
    if "\\" not in literal and quote * 2 not in literal[1:-1]:
        return literal[1:-1]
    return _ESCAPED.sub(lambda found: _unescaped(found, quote), literal[1:-1])


def _unescaped(found: re.Match[str], quote: str) -> str:
    if found[1]:
        return found[1]
    return quote if found[0] == quote * 2 else found[0]


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _unreadable(character: str) -> str:
    if character in "'\"":
        return f"the text that begins here is not closed: write {character} after it"
    return f"{character!r} means nothing in an expression: put text in quotes"
