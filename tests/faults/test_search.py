"""Every interleaving of few tasks, runners and replicas to a depth that `make search` deepens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faketime import SteppedServer
from search import Search
from search_configs import CONFIGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search_steps import Config


@pytest.fixture
def stepped() -> Iterator[SteppedServer]:
    """A running server whose clock stands still."""
    server = SteppedServer()
    server.start()
    yield server
    server.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=lambda config: config.name)
def test_no_interleaving_breaks_a_promise(stepped: SteppedServer, config: Config) -> None:
    """After each of all sequences of so many steps every rule and every invariant holds."""
    search = Search(stepped, config)
    while search.depth < config.depth and not search.done:
        assert search.deepen()
    search.close()
    print(  # noqa: T201 - the figures of the run
        f"{config.name}: depth {search.depth}, {search.states} states, "
        f"{search.transitions} steps, {search.ended} run to their end"
    )
    missed = set(config.reaches.split(", ")) - {f"{old} to {new}" for old, new, _ in search.moves}
    assert not missed, f"the search never saw {missed}"
