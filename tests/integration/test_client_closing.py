"""Trouble while connections of redis-py are closed, or written to after they were lost."""

from __future__ import annotations

import asyncio
import logging

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import TimeoutError as RedisTimeoutError
from waiting import eventually

from coordinator.commands.inspection import inspect_all
from coordinator.config import Settings
from coordinator.store.client import Script
from coordinator.timers.subscriber import Subscriber

pytestmark = pytest.mark.timeout(120)
COUNT = Script("count", "return redis.call('INCR', KEYS[1])")
CLOSED = (
    "unable to perform operation on <TCPTransport closed=True>; the handler is closed"  # uvloop
)


@pytest.fixture
def closing_late(monkeypatch):
    """Every redis-py client is closed, and says that this took too long; return how many were."""
    closed, close = [], Redis.aclose

    async def late(client, *args):
        await close(client, *args)
        closed.append(client)
        raise RedisTimeoutError("Timed out closing connection after 0.25")

    monkeypatch.setattr(Redis, "aclose", late)
    return closed


def fail_once(monkeypatch, kind, name):
    """Let a method fail once as uvloop does; return the calls that failed."""
    failed, method = [], getattr(kind, name)

    async def once(self, *args, **options):
        if not failed:
            failed.append(name)
            raise RuntimeError(CLOSED)
        return await method(self, *args, **options)

    monkeypatch.setattr(kind, name, once)
    return failed


@pytest.mark.parametrize("trouble", ["closing", "asking"])
async def test_a_failover_is_followed_after_trouble_with_a_sentinel(
    new_sentinels, new_router, monkeypatch, request, trouble
):
    """The sentinels are asked again, whatever closing or asking one of them raised."""
    group = new_sentinels("valkey", replicas=1, sentinels=2)
    router = new_router(group.url, timeout=10)
    assert await router.run(COUNT, ["n"], []) == 1
    if trouble == "closing":
        troubles = request.getfixturevalue("closing_late")
    else:
        troubles = fail_once(monkeypatch, Sentinel, "discover_master")
    await eventually(lambda: troubles, 20)
    new = await asyncio.to_thread(group.failover)
    with new.client() as client:

        async def lands():
            before = int(await asyncio.to_thread(client.get, "n") or 0)
            await router.run(COUNT, ["n"], [])
            return int(await asyncio.to_thread(client.get, "n") or 0) == before + 1

        await eventually(lands, 8)  # before the old primary is demoted: the watch has followed


async def test_an_inspection_does_not_mind_how_its_connections_end(
    valkey, new_router, closing_late
):
    """What was found is told."""
    router = new_router(valkey.url)
    assert await inspect_all(router, Settings(), mend=False)
    assert closing_late


async def test_a_subscription_that_is_lost_while_it_writes_is_no_crash(
    valkey, new_router, monkeypatch, caplog
):
    """It is logged in one line, and made again."""
    failed = fail_once(monkeypatch, PubSub, "psubscribe")
    router, heard = new_router(valkey.url), []
    (endpoint,) = await router.primaries()
    with caplog.at_level(logging.WARNING, "coordinator"):
        task = asyncio.create_task(Subscriber(router, endpoint, [], heard.append).run())
        await eventually(lambda: heard)
        task.cancel()
        await asyncio.wait([task])
    assert failed
    (record,) = caplog.records
    assert "are lost for now" in record.message
    assert record.exc_info is None
