"""Calls to a cluster whose slots move and whose nodes fail."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from redis.crc import key_slot
from waiting import eventually

from coordinator.errors import UnavailableError
from coordinator.store.client import Script

pytestmark = pytest.mark.timeout(60)

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")
BOTH = Script("both", "return redis.call('MSET', KEYS[1], 1, KEYS[2], 2)")
SLOT = key_slot(b"{a}")


@pytest.fixture(params=["valkey", "redis7"])
def cluster(request, new_cluster):
    """A cluster of the test's own, of each kind."""
    return new_cluster(request.param, aof=True)


def _nodes(cluster):
    """Return the owner of SLOT and another node."""
    source = cluster.owner(SLOT)
    return source, next(server for server in cluster.servers if server is not source)


def _open_slot(cluster):
    """Begin to hand SLOT over."""
    source, target = _nodes(cluster)
    with source.client() as old, target.client() as new:
        new.execute_command("CLUSTER SETSLOT", SLOT, "IMPORTING", cluster.node_id(source))
        old.execute_command("CLUSTER SETSLOT", SLOT, "MIGRATING", cluster.node_id(target))


def _move_keys(cluster, *keys):
    """Move keys of SLOT to the new node."""
    source, target = _nodes(cluster)
    with source.client() as old:
        old.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)


def _close_slot(cluster):
    """End the hand-over of SLOT."""
    source, target = _nodes(cluster)
    for server in (target, source):
        with server.client() as client:
            client.execute_command("CLUSTER SETSLOT", SLOT, "NODE", cluster.node_id(target))


async def test_each_key_goes_to_its_node(cluster, new_router):
    """Keys of all nodes are reached, and the table of slots is read once."""
    router = new_router(cluster.url)
    calls = (router.run(COUNT, [f"n{{{number}}}"], []) for number in range(300))
    assert await asyncio.gather(*calls) == [1] * 300
    assert router.counters.errors["MOVED"] == 0
    assert len(await router.primaries()) == 3
    await router.ping()
    assert router.connected
    for admin in await router.admin_clients():
        assert await admin.dbsize() > 0
        await admin.aclose()


async def test_a_call_follows_ask_and_then_moved(cluster, new_router):
    """During a hand-over a moved key is found by ASK; after it, by MOVED once."""
    router = new_router(cluster.url)
    errors = router.counters.errors
    assert await router.run(COUNT, ["n{a}"], []) == 1
    _open_slot(cluster)
    assert await router.run(COUNT, ["n{a}"], []) == 2
    _move_keys(cluster, "n{a}")
    assert await router.run(COUNT, ["n{a}"], []) == 3
    assert await router.execute("n{a}", "GET", "n{a}") == b"3"
    assert (errors["ASK"], errors["MOVED"]) == (2, 0)
    _close_slot(cluster)
    assert [await router.run(COUNT, ["n{a}"], []) for _ in range(5)] == [4, 5, 6, 7, 8]
    assert (errors["ASK"], errors["MOVED"]) == (2, 1)


async def test_a_script_whose_keys_are_torn_apart_fails_whole(cluster, new_router):
    """With one of its keys moved and one not, a script is refused and changes nothing."""
    router = new_router(cluster.url)
    await router.execute("x{a}", "MSET", "x{a}", 0, "y{a}", 0)
    _open_slot(cluster)
    _move_keys(cluster, "x{a}")
    with pytest.raises(UnavailableError, match="TRYAGAIN"):
        await router.run(BOTH, ["x{a}", "y{a}"], [])
    _move_keys(cluster, "y{a}")
    _close_slot(cluster)
    assert await router.execute("x{a}", "MGET", "x{a}", "y{a}") == [b"0", b"0"]
    assert await router.run(BOTH, ["x{a}", "y{a}"], []) == b"OK"


async def test_calls_while_a_slot_moves_are_counted_once_each(cluster, new_router):
    """Callers go on during a whole hand-over; each answered call has had its effect once."""
    router = new_router(cluster.url)
    done = asyncio.Event()
    counts = []

    async def call():
        while not done.is_set():
            counts.append(await router.run(COUNT, ["n{a}"], []))

    callers = [asyncio.create_task(call()) for _ in range(20)]
    for step in (_open_slot, lambda cluster: _move_keys(cluster, "n{a}"), _close_slot):
        before = len(counts)
        await eventually(lambda before=before: len(counts) > before + 200)
        await asyncio.to_thread(step, cluster)
    before = len(counts)
    await eventually(lambda: len(counts) > before + 200)
    done.set()
    await asyncio.gather(*callers)
    assert sorted(counts) == list(range(1, len(counts) + 1))
    assert router.counters.errors["MOVED"] > 0


async def test_a_node_that_is_killed_is_found_again(cluster, new_router):
    """Calls for a killed node fail in time, and succeed after its restart."""
    router = new_router(cluster.url, timeout=1)
    source, _ = _nodes(cluster)
    assert await router.run(COUNT, ["n{a}"], []) == 1
    await eventually(lambda: router.connected)
    source.kill()
    await eventually(lambda: not router.connected)
    with pytest.raises(UnavailableError):
        await router.run(COUNT, ["n{a}"], [])
    assert router.last_error
    await asyncio.to_thread(source.start)
    assert await eventually(lambda: _count(router), timeout=20) == 2


async def test_a_replica_that_takes_over_is_followed(cluster, new_router):
    """After a manual failover, and after the old primary is killed, calls go on."""
    source, _ = _nodes(cluster)
    replica = await asyncio.to_thread(cluster.add_replica, source)
    router = new_router(cluster.url, timeout=10)
    assert await router.run(COUNT, ["n{a}"], []) == 1
    await asyncio.to_thread(cluster.promote, replica)
    assert await eventually(lambda: _count(router)) == 2
    source.kill()
    assert await router.run(COUNT, ["n{a}"], []) == 3


async def test_a_call_waits_for_the_replica_of_a_killed_primary(cluster, new_router):
    """A call made when its primary has just died is answered by the replica that takes over."""
    source, _ = _nodes(cluster)
    await asyncio.to_thread(cluster.add_replica, source)
    router = new_router(cluster.url, timeout=20)
    assert await router.run(COUNT, ["n{a}"], []) == 1
    assert await router.execute("n{a}", "WAIT", 1, 1000) == 1
    await eventually(lambda: router.connected)
    source.kill()
    await eventually(lambda: not router.connected)
    assert await router.run(COUNT, ["n{a}"], []) == 2


async def test_dead_addresses_in_the_url_are_passed_over(cluster, new_router):
    """One living node of the URL is enough; with none the error names them."""
    seed = f"127.0.0.1:{cluster.servers[1].port}"
    router = new_router(f"redis+cluster://127.0.0.1:1,{seed}")
    assert await router.run(COUNT, ["n{a}"], []) == 1
    nobody = new_router("redis+cluster://127.0.0.1:1,127.0.0.1:2", timeout=0.5)
    with pytest.raises(UnavailableError, match=r"No node of 127\.0\.0\.1:1, 127\.0\.0\.1:2"):
        await nobody.run(COUNT, ["n{a}"], [])


async def test_a_cluster_node_named_as_a_single_server_is_explained(cluster, new_router):
    """A plain redis:// URL of a node fails with a sentence for the keys of other nodes."""
    _, other = _nodes(cluster)
    router = new_router(f"redis://127.0.0.1:{other.port}")
    with pytest.raises(UnavailableError, match="cluster"):
        await router.run(COUNT, ["n{a}"], [])


async def _count(router):
    """Return the next count, or None while the cluster does not serve it."""
    with suppress(UnavailableError):
        return await router.run(COUNT, ["n{a}"], [])
