"""Every interleaving to a smaller depth, and from many of the states to the end, in ten seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from search import searching
from search_configs import CONFIGS

if TYPE_CHECKING:
    from search_parts import Config

ENDS_EVERY = 24


@pytest.mark.parametrize("config", CONFIGS.values(), ids=lambda config: config.name)
def test_all_can_end_from_every_state(config: Config) -> None:
    """Time, due work and polls bring every instance to its end, without any message."""
    with searching(config, ends_every=ENDS_EVERY) as search:
        while search.depth < config.quick:
            assert search.deepen()
        assert search.ended >= search.states // ENDS_EVERY
