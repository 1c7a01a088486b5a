"""SQL as texts: scripts cut into statements, and their ``?`` given values."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from coordinator.runner.errors import TaskFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What may hold a semicolon or a question mark that is none: texts, names, comments, PostgreSQL's
# dollar quotes.
_OPAQUE = (
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"""
)
_TOKEN = re.compile(rf"(?P<opaque>{_OPAQUE})|(?P<mark>[;?])", re.DOTALL)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TRANSACTION = re.compile(
    r"(?:BEGIN(?:\s+(?:TRANSACTION|WORK))?|START\s+TRANSACTION|COMMIT(?:\s+(?:TRANSACTION|WORK))?)",
    re.IGNORECASE,
)


def statements_of(script: str, *, sqlite: bool = False) -> Iterator[str]:
    """Yield the statements of a script, without those that begin or commit a transaction.

    For SQLite a statement ends where SQLite says so: its triggers have semicolons inside.
    """
    begun = ""
    for piece in _pieces(script):
        begun += piece
        if sqlite and not sqlite3.complete_statement(begun + ";"):
            begun += ";"
            continue
        statement, begun = begun.strip(), ""
        bare = _COMMENT.sub("", statement).strip()
        if bare and not _TRANSACTION.fullmatch(bare):
            yield statement
    if begun.strip():
        yield begun.strip()


def bound(statement: str, values: Iterator[str] | None = None) -> tuple[str, dict[str, str]]:
    """Return a statement as SQLAlchemy's ``text`` takes it, and its parameters.

    Each ``?`` takes one of `values`; without them a ``?`` is what the database makes of it.

    Raises:
        TaskFailedError: there are fewer values than ``?``.
    """
    parameters: dict[str, str] = {}

    def place() -> str:
        name = f"p{len(parameters)}"
        try:
            parameters[name] = next(values or iter(()))
        except StopIteration:
            message = "The script has more ? than the activity has scriptArguments."
            raise TaskFailedError("SqlError", message) from None
        return f":{name}"

    return _with_places(statement, place if values is not None else None), parameters


def numbered(statement: str) -> tuple[str, int]:
    """Return a statement whose ``?`` are named p0, p1, …, and how many there are."""
    names: list[str] = []

    def place() -> str:
        names.append(f"p{len(names)}")
        return f":{names[-1]}"

    return _with_places(statement, place), len(names)


def values_for(row: Iterable[str | None]) -> dict[str, str | None]:
    """Return a row as the parameters of a statement from `numbered`."""
    return {f"p{number}": value for number, value in enumerate(row)}


def _pieces(script: str) -> Iterator[str]:
    start = 0
    for token in _TOKEN.finditer(script):
        if token["mark"] == ";":
            yield script[start : token.start()]
            start = token.end()
    yield script[start:]


def _with_places(statement: str, place: object) -> str:
    """Put a name for each ``?``; every other colon is one for the database."""
    parts, start = list[str](), 0
    for token in _TOKEN.finditer(statement):
        if token["mark"] == "?" and callable(place):
            parts += [_escaped(statement[start : token.start()]), str(place())]
            start = token.end()
    return "".join([*parts, _escaped(statement[start:])])


def _escaped(text: str) -> str:
    return text.replace(":", "\\:")
