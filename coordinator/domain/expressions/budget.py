"""Bounds on what evaluation may cost, whatever a definition holds."""

from __future__ import annotations

from coordinator.domain.expressions.errors import ExpressionError

MAX_RESULT = 10_000_000
DEFAULT_STEPS = 1_000_000
_CHARACTERS_PER_STEP = 100


class Budget:
    """Steps that are left: one pays for a node of the tree, or for a hundred characters.

    One budget can serve several evaluations, so that it bounds all of them together; one `within`
    another takes from both.
    """

    def __init__(self, steps: int = DEFAULT_STEPS, within: Budget | None = None) -> None:
        self._steps = steps
        self._within = within

    def spend(self, steps: int, position: int) -> None:
        """Take steps away.

        Raises:
            ExpressionError: too few are left.
        """
        self._steps -= steps
        if self._steps < 0:
            raise ExpressionError(
                "the expression takes too much work: use fewer or shorter fields in it", position
            )
        if self._within is not None:
            self._within.spend(steps, position)

    def spend_text(self, characters: int, position: int) -> None:
        """Take away what a text of this length costs.

        Raises:
            ExpressionError: too few steps are left, or it is longer than `MAX_RESULT`.
        """
        if characters > MAX_RESULT:
            raise ExpressionError(
                f"the result is longer than {MAX_RESULT} characters: use shorter fields", position
            )
        self.spend(characters // _CHARACTERS_PER_STEP, position)
