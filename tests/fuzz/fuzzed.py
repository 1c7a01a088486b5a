"""How long properties look: few examples, always the same ones; `FUZZ_EXAMPLES` asks for others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
SETTINGS = settings(
    deadline=None,
    max_examples=EXAMPLES or 60,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def fuzzed(*strategies: SearchStrategy) -> Callable[[Callable], Callable]:
    """Make a test a property, as `given` does."""
    return lambda test: SETTINGS(given(*strategies)(test))
