"""Random pipelines, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from seeds import component

GROUPS = st.sampled_from("gh")
PARTS = st.lists(st.sampled_from(["Part0", "Part1", "Part2"]), min_size=1, unique=True)
STATUS = st.sampled_from(["cancel", "mark", "rerun", "rerun"])


@st.composite
def graphs(draw: Any) -> list[Any]:
    """Make up to five tasks, each of which may need some of those before it."""
    size = draw(st.integers(1, 5))
    return [
        component(
            f"Part{i}",
            group=draw(GROUPS),
            cascade=draw(st.booleans()),
            needs=sorted(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else [],
            maximum_retries=draw(st.sampled_from([0, 1, 50])),
            retry_delay_ms=draw(st.sampled_from([0, 0, 3000])),
            attempt_timeout_ms=draw(st.sampled_from([0, 0, 9000])),
        )
        for i in range(size)
    ]
