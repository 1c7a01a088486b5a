"""The operators: ``+ - * / ^`` and the minus sign.

Source: the developer guide's pages on mathematical and string functions. ``+`` with a text on
either side joins texts, whatever the texts look like; elsewhere a text that writes a number is one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from coordinator.domain.expressions.values import Value, as_number, as_text, checked, describe

if TYPE_CHECKING:
    from collections.abc import Callable


def combine(symbol: str, left: Value, right: Value) -> Value:
    """What an operator makes of two values.

    Raises:
        ValueError: it is not for such values, or its result is too large.
    """
    if symbol == "+" and (isinstance(left, str) or isinstance(right, str)):
        return as_text(left) + as_text(right)
    try:
        return checked(_OPERATORS[symbol](as_number(left), as_number(right)))
    except OverflowError as error:
        raise ValueError("the number is too large") from error
    except ValueError as error:
        raise ValueError(_advice(symbol, left, right) or str(error)) from error


def negate(value: Value) -> Value:
    """The value with the other sign.

    Raises:
        ValueError: it is not a number.
    """
    return checked(-as_number(value))


def _advice(symbol: str, left: Value, right: Value) -> str:
    kinds = describe(left), describe(right)
    if "a DateTime" in kinds and symbol in "+-":
        return "a DateTime is moved by functions: write plusDays(…, 1) or minusHours(…, 2)"
    if kinds != ("a number", "a number") and "a reference" in kinds:
        return f"'{symbol}' needs numbers, not a reference: name one of its fields after a dot"
    return ""


def _divide(left: float, right: float) -> int | float:
    """The quotient; of two whole numbers the whole part, towards zero."""
    if right == 0:
        raise ValueError("a number is divided by zero")
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    return left / right


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except ValueError as error:
        raise ValueError("this power is not a number") from error


_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divide,
    "^": _power,
}
