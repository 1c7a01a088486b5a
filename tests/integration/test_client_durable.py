"""Calls that are answered only when a replica has them."""

from __future__ import annotations

import asyncio
import time

import pytest
from ports import free_ports
from redis.crc import key_slot
from waiting import eventually, wait_until

from coordinator.errors import UnavailableError, UnknownOutcomeError
from coordinator.store.client import Script
from coordinator.store.replies import ScriptError

pytestmark = pytest.mark.timeout(40)

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")
READ = Script("read", "#!lua flags=allow-oom\nreturn redis.call('GET', KEYS[1]) or nil")
REFUSE = Script("refuse", "return redis.error_reply('LEASE_LOST gone')")


def _online(client):
    state = client.info("replication")
    return state["connected_slaves"] == 1 and state["slave0"]["state"] == "online"


@pytest.fixture(params=["valkey", "redis7"])
def pair(request, new_server):
    """A primary and its replica, both with an append-only file."""
    (port,) = free_ports(1)
    primary = new_server(request.param, port=port, aof=True)
    replica = new_server(request.param, aof=True, argv=["--replicaof", f"127.0.0.1 {port}"])
    with primary.client() as client:
        wait_until(lambda: _online(client), 20)
    return primary, replica


async def test_a_durable_call_is_on_the_replica_when_it_is_answered(pair, new_router):
    """What a durable call wrote can be read from the replica at once, however many run together."""
    primary, replica = pair
    router = new_router(primary.url, durability="replicas:1")
    calls = (router.run(COUNT, ["n"], [], durable=True) for _ in range(300))
    assert sorted(await asyncio.gather(*calls)) == list(range(1, 301))
    with replica.client() as client, primary.client() as direct:
        assert client.get("n") == b"300"
        stats = direct.info("commandstats")
    assert stats["cmdstat_wait"]["calls"] < 300
    # Redis 7.0 does not know WAITAOF; where it is known it follows every WAIT.
    waits = stats.get("cmdstat_waitaof", {"calls": 0})["calls"]
    assert waits == (stats["cmdstat_wait"]["calls"] if primary.kind == "valkey" else 0)


@pytest.mark.measure
async def test_a_silent_replica_makes_the_outcome_unknown(pair, new_router):
    """Too few acknowledgements: the effect stands, the caller is told, other calls go on."""
    primary, replica = pair
    router = new_router(primary.url, timeout=1, durability="replicas:1")
    assert await router.run(COUNT, ["n"], [], durable=True) == 1
    replica.pause()
    durable = asyncio.ensure_future(router.run(COUNT, ["n"], [], durable=True))
    started = time.monotonic()
    await eventually(lambda: _is(router, b"2"))
    assert time.monotonic() - started < 0.4
    assert not durable.done()
    with pytest.raises(UnknownOutcomeError, match="had 0 of 1 acknowledgements"):
        await durable
    replica.resume()
    assert await router.run(COUNT, ["n"], [], durable=True) == 3


async def test_a_repeat_waits_for_what_it_repeats(pair, new_router):
    """A call that only tells what was written before is not answered before replicas have that."""
    primary, replica = pair
    router = new_router(primary.url, timeout=3, durability="replicas:1")
    assert await router.run(COUNT, ["n"], [], durable=True) == 1
    with primary.client() as client:
        for script in (READ, REFUSE):
            client.script_load(script.source)
    replica.pause()
    hasty = new_router(primary.url, timeout=1.5, durability="replicas:1")
    first = asyncio.ensure_future(hasty.run(COUNT, ["n"], [], durable=True))
    await eventually(lambda: _is(router, b"2"))  # the others go on connections that wrote nothing
    others = [hasty.run(script, ["n"], [], durable=True) for script in (READ, REFUSE)]
    for told in await asyncio.gather(first, *others, return_exceptions=True):
        assert type(told) is UnknownOutcomeError
        assert "had 0 of 1 acknowledgements" in str(told)
    replica.resume()
    assert await router.run(READ, ["n"], [], durable=True) == b"2"
    with pytest.raises(ScriptError, match="gone"):
        await router.run(REFUSE, ["n"], [], durable=True)
    with primary.client() as client:
        assert client.keys() == [b"n"]


async def test_what_tells_nothing_waits_for_no_replica(pair, new_router):
    """A call that found nothing, or was not carried out, is answered before any acknowledgement."""
    primary, replica = pair
    router = new_router(primary.url, timeout=3, durability="replicas:1")
    assert await router.run(COUNT, ["n"], [], durable=True) == 1
    with primary.client() as client:
        client.config_set("maxmemory", 1)
    replica.pause()
    patient = new_router(primary.url, timeout=60, durability="replicas:1")
    calls = [patient.run(script, ["x"], [], durable=True) for script in (READ, COUNT)]
    nothing, full = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 20)
    replica.resume()
    assert nothing is None
    assert type(full) is UnavailableError
    assert "out of memory" in str(full)


async def test_a_repeat_is_durable_when_memory_is_full(pair, new_router):
    """Reports and results go on when memory is full, so their acknowledgements must too."""
    primary, _ = pair
    router = new_router(primary.url, timeout=3, durability="replicas:1")
    assert await router.run(COUNT, ["n"], [], durable=True) == 1
    with primary.client() as client:
        client.config_set("maxmemory", 1)
    assert await router.run(READ, ["n"], [], durable=True) == b"1"


async def test_durable_calls_live_through_a_restart_and_a_script_flush(pair, new_router):
    """After the primary was killed and restarted, durable calls succeed again."""
    primary, _ = pair
    router = new_router(primary.url, timeout=10, durability="replicas:1")
    assert await router.run(COUNT, ["n"], [], durable=True) == 1
    primary.kill()
    await asyncio.to_thread(primary.start)
    with primary.client() as client:
        await eventually(lambda: _online(client), 20)
        client.script_flush()
    assert await router.run(COUNT, ["n"], [], durable=True) == 2


async def test_a_cancelled_durable_call_harms_nobody_else(pair, new_router):
    """Callers that leave take nothing from those that stay."""
    primary, _ = pair
    router = new_router(primary.url, durability="replicas:1")
    calls = [asyncio.ensure_future(router.run(COUNT, ["n"], [], durable=True)) for _ in range(50)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    assert len(set(await asyncio.gather(*calls[1::2]))) == 25


async def test_without_replicas_durable_calls_are_like_any_other(redis_url, new_router):
    """In the other modes, and on every kind of server, `durable` asks for nothing more."""
    router = new_router(redis_url, durability="always")
    assert await router.run(COUNT, ["n{a}"], [], durable=True) == 1


async def test_durable_calls_in_a_cluster_need_a_replica_of_that_node(new_cluster, new_router):
    """In a cluster the replicas of the key's own primary acknowledge."""
    cluster = new_cluster()
    await asyncio.to_thread(cluster.add_replica, cluster.servers[0])
    keys = {cluster.owner(_slot(f"{{{n}}}")): f"n{{{n}}}" for n in range(50)}
    router = new_router(cluster.url, timeout=2, durability="replicas:1")
    assert await router.run(COUNT, [keys[cluster.servers[0]]], [], durable=True) == 1
    with pytest.raises(UnknownOutcomeError, match="had 0 of 1"):
        await router.run(COUNT, [keys[cluster.servers[1]]], [], durable=True)


async def _is(router, value):
    return await router.execute("n", "GET", "n") == value


def _slot(tag):
    return key_slot(tag.encode())
