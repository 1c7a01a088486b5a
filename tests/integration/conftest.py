"""Fixtures of the tests of scripts, and of replicas that run in the test process."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import AsyncMock

import pytest
from fleet import Fleet
from seeds import Bench

from coordinator.service.polls import Polls

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


@pytest.fixture
async def fleet(redis_server: Server | Cluster) -> AsyncIterator[Fleet]:
    """A fleet on each kind of server; the cluster has six shards."""
    async with Fleet(redis_server) as made:
        yield made


@pytest.fixture
async def single(valkey: Server) -> AsyncIterator[Fleet]:
    """A fleet on Valkey only, for what does not depend on the server."""
    async with Fleet(valkey) as made:
        yield made


@pytest.fixture
def no_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks once a second for lost wakes: who has to wait for a task is woken, or waits."""
    monkeypatch.setattr(Polls, "check_waiting", AsyncMock())
