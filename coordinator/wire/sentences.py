"""Plain sentences for what msgspec finds wrong with a body.

msgspec tells the fault and, where it has one, the place: ``Expected `str` of length <= 256 - at
`$.fields[0].key` ``. What it quotes of the caller's input is left out, since that has no bound.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import msgspec

from coordinator.wire.shapes import OperatorType, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
_KINDS = {
    "array": "an array",
    "bool": "true or false",
    "float": "a number",
    "int": "an integer",
    "null": "null",
    "object": "an object",
    "str": "a string",
}
_CHOICES = {"taskStatus": get_args(TaskStatus), "type": get_args(OperatorType)}


def sentence_for(error: Exception) -> str:
    """One sentence that names the member at fault, or says that the body is no JSON at all."""
    if isinstance(error, msgspec.ValidationError):
        return _invalid(str(error))
    if isinstance(error, RecursionError):
        return "The request body is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return "The request body is not valid UTF-8."
    detail = str(error).removeprefix("JSON is malformed: ")
    return f"The request body is not valid JSON: {detail[:1].lower()}{detail[1:]}."


def _invalid(message: str) -> str:
    place = _PLACE.search(message)
    path = place["path"] if place else ""
    fault = message[: place.start()] if place else message
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", fault):
        return f"Member '{path + '.' if path else ''}{missing[1]}' is missing."
    subject = f"Member '{path}'" if path else "The request body"
    return f"{subject} {_predicate(fault, path)}."


def _predicate(fault: str, path: str) -> str:
    for pattern, words in _FAULTS:
        if match := pattern.match(fault):
            return words(match)
    choices = _CHOICES.get(path.rpartition(".")[2])
    if choices and fault.startswith("Invalid enum value"):
        return f"must be one of {', '.join(choices)}"
    return "is not valid"


def _characters(match: re.Match[str]) -> str:
    if match[2] == "1":
        return "must not be empty"
    return f"must be at {_most_or_least(match)} {match[2]} characters long"


def _most_or_least(match: re.Match[str]) -> str:
    return "most" if match[1] == "<=" else "least"


def _kinds(match: re.Match[str]) -> str:
    got = "a boolean" if match[2] == "bool" else _KINDS.get(match[2], match[2])
    return f"must be {_KINDS.get(match[1], match[1])}, not {got}"


_FAULTS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"Expected `str` of length (<=|>=) (\d+)"), _characters),
    (
        re.compile(r"Expected `array` of length (<=|>=) (\d+)"),
        lambda match: f"must have at {_most_or_least(match)} {match[2]} elements",
    ),
    (
        re.compile(r"Expected `(?:int|float)` (<=|>=) (\d+)"),
        lambda match: f"must be at {_most_or_least(match)} {match[2]}",
    ),
    (re.compile(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`"), _kinds),
    (re.compile(r"(?:Integer value|Number) out of range"), lambda _: "is out of range"),
    (re.compile(r"must [^`]*\Z"), lambda match: match[0]),
)
