"""Every interleaving of few tasks, runners and replicas to a depth that `make search` deepens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from search import searching
from search_configs import CONFIGS

if TYPE_CHECKING:
    from search_parts import Config


@pytest.mark.timeout(600)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=lambda config: config.name)
def test_no_interleaving_breaks_a_promise(config: Config) -> None:
    """After each of all sequences of so many steps every rule and every invariant holds."""
    with searching(config) as search:
        while search.depth < config.depth and not search.done:
            assert search.deepen()
    print(  # noqa: T201 - the figures of the run
        f"{config.name}: depth {search.depth}, {search.states} states, "
        f"{search.transitions} steps, {search.ended} run to their end"
    )
    missed = set(config.reaches.split(", ")) - {f"{old} to {new}" for old, new, _ in search.moves}
    assert not missed, f"the search never saw {missed}"
