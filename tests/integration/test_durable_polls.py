"""Polls and due work where calls are answered only once a replica of Redis has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fleet import Fleet, poll
from waiting import eventually

from coordinator.errors import UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from servers import Server

# redis-py leaves the connections of calls that are canceled to the garbage collector.
pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture
async def lonely(new_server: Callable[..., Server]) -> AsyncIterator[Fleet]:
    """A fleet on a primary that has no replica."""
    async with Fleet(new_server("valkey", aof=True)) as made:
        yield made


async def test_missing_replicas_use_up_no_hand_out(lonely: Fleet) -> None:
    """A poll that cannot be answered durably gives its task back: the task does not fail of it."""
    await lonely.seed(1)
    replica = await lonely.replica(durability="replicas:1", redis_timeout=1, poll_wait=0)
    for _ in range(2):
        with pytest.raises(UnknownOutcomeError):
            await poll(replica)
    healthy = await lonely.replica()
    task = await poll(healthy)
    assert task is not None
    assert task.attempt == 1
    with lonely.server.client() as client:
        (record,) = (client.hgetall(key) for key in client.keys("*:instance:*"))
    assert int(record.get(b"unacked", 0)) == 0


async def test_due_work_waits_for_no_replica(lonely: Fleet) -> None:
    """Lost leases are found and counted at once, also where durable calls cannot be answered."""
    healthy = await lonely.replica(loop=False, listener=False, ack_timeout=0.2)
    await lonely.seed(1)
    assert await poll(healthy) is not None
    replica = await lonely.replica(durability="replicas:1", redis_timeout=1)
    lost = replica.coordinator.metrics.lost
    await eventually(lambda: lost["unacknowledged"] == 1)
    assert replica.coordinator.metrics.outages == 0
