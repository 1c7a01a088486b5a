"""Fixtures of the tests of scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from seeds import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from clusters import Cluster
    from servers import Server

    from coordinator.store.routing import Router


@pytest.fixture
async def bench(
    redis_server: Server | Cluster, new_router: Callable[..., Router]
) -> AsyncIterator[Bench]:
    """The store on each kind of server; after the test its data must hold every invariant."""
    bench = Bench(redis_server, new_router(redis_server.url))
    yield bench
    bench.check()
