"""What is wrong with an expression, and where."""

from __future__ import annotations


class ExpressionError(ValueError):
    """An expression cannot be read or evaluated.

    `position` counts characters of the whole text from 1. `inside` names the field whose own text
    has the fault, where an expression led to it. `secret` is set where a secret had been used by
    then: whether there is a value tells something of it.
    """

    secret = False

    def __init__(self, problem: str, position: int, inside: str = "") -> None:
        super().__init__(problem, position, inside)
        self.problem = problem
        self.position = position
        self.inside = inside

    def __str__(self) -> str:
        where = f" (in {self.inside})" if self.inside else ""
        return f"at character {self.position}: {self.problem}{where}"
