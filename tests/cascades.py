"""Components whose failures cascade, and what tests of them do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seeds import component

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seeds import Bench

    from coordinator.domain.components import Component

FAILED, CASCADED = "FAILED", "CASCADE_FAILED"


def cascading(name: str, needs: Sequence[int] = (), **limits: int) -> Component:
    """A component whose failure cascades, without retries."""
    return component(name, needs=needs, cascade=True, **{"maximum_retries": 0, **limits})


def chain(*modes: bool) -> list[Component]:
    """Components A, B, C, …, each waiting for the one before; those that are True cascade."""
    return [
        component("ABCDE"[i], needs=[i - 1] * (i > 0), cascade=mode, maximum_retries=0)
        for i, mode in enumerate(modes)
    ]


def diamond() -> list[Component]:
    """A, then B and C, then D; all cascade."""
    return [cascading("A"), cascading("B", [0]), cascading("C", [0]), cascading("D", [1, 2])]


async def settled(bench: Bench, pipeline: str) -> dict[str, str]:
    """Apply what is due, checking after each step; return the rows."""
    async for _ in bench.steps():
        pass
    return await bench.rows(pipeline)
