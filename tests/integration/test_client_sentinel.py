"""Calls to a primary that sentinels name."""

from __future__ import annotations

import asyncio
import gc
import warnings
from contextlib import suppress

import pytest
from waiting import eventually, pass_time

from coordinator.errors import UnavailableError
from coordinator.store import sentinel
from coordinator.store.client import Script
from coordinator.store.routing import connect

pytestmark = pytest.mark.timeout(60)

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")


@pytest.fixture(params=["valkey", "redis7"])
def group(request, new_sentinels):
    """A primary, its replica, and two sentinels."""
    return new_sentinels(request.param, replicas=1, sentinels=2)


async def test_a_failover_is_followed(group, new_router):
    """When the primary is killed, the same client finds the one that takes over."""
    primary, replica = group.servers
    router = new_router(group.url, timeout=20)
    assert await router.run(COUNT, ["n"], []) == 1
    assert [endpoint.port for endpoint in await router.primaries()] == [primary.port]
    assert await router.execute("n", "WAIT", 1, 5000) == 1
    group.kill_primary()
    await eventually(lambda: not router.connected)
    assert await router.run(COUNT, ["n"], []) == 2
    assert [endpoint.port for endpoint in await router.primaries()] == [replica.port]


async def test_a_primary_that_is_demoted_while_it_lives_is_left(group, new_router):
    """After a failover by hand, calls go to the new primary and none to the old one."""
    old = group.primary()
    router = new_router(group.url, timeout=10)
    assert await router.run(COUNT, ["n"], []) == 1
    new = await asyncio.to_thread(group.failover)
    assert new is not old
    with new.client() as client:
        await eventually(lambda: _lands(router, client), 5)
        assert _role(old) == "master", "the old primary was demoted: this proves nothing"


async def test_a_router_can_be_closed_at_any_moment(group, monkeypatch):
    """Closing ends the watch of the sentinels, whatever that is doing."""
    monkeypatch.setattr(sentinel, "WATCH_SECONDS", 0)
    with warnings.catch_warnings():  # redis-py leaves canceled calls to the garbage collector
        warnings.simplefilter("ignore")
        for number in range(40):
            router = connect(group.url, timeout=5, client_name="test")
            await router.ping()
            await pass_time(number / 1000)
            async with asyncio.timeout(10):
                await router.close()
        del router
        gc.collect()


async def test_sentinels_that_know_no_primary_are_named(new_router):
    """When no sentinel answers, the error names the master and the sentinels."""
    router = new_router("redis+sentinel://127.0.0.1:1,127.0.0.1:2/orders", timeout=0.5)
    with pytest.raises(UnavailableError, match=r"orders has been.*127\.0\.0\.1:1, 127\.0\.0\.1:2"):
        await router.run(COUNT, ["n"], [])


def _role(server):
    with server.client() as client:
        return client.info("replication")["role"]


async def _lands(router, client):
    """Make a call and say whether this server saw its effect."""
    with suppress(UnavailableError):
        answer = await router.run(COUNT, ["n"], [])
        return client.get("n") == b"%d" % answer
