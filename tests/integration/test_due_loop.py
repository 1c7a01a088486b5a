"""Due work in time: the loop, the hints, and what remains when either is missing (design: time)."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from fleet import ACCOUNT, Fleet, poll, polling, waiting
from redis.asyncio import Redis
from waiting import eventually, pass_time

from coordinator.domain.ids import shard_of
from coordinator.store import keys
from coordinator.store.layout import Layout
from coordinator.timers import loop as due_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Server

    from coordinator.commands.replica import Replica
    from coordinator.store.tasks import Claimed

ACK_MS = 250


async def lapse(fleet: Fleet, count: int, ack_ms: int = ACK_MS) -> list[Claimed]:
    """Claim `count` tasks, spread over the shards, whose leases end in a moment."""
    shards = [number % fleet.shards for number in range(count)]
    for shard in range(fleet.shards):
        await fleet.seed(max(1, shards.count(shard)), group="lapsing", shard=shard)
    # All at once, so that the last is claimed long before the first lapses.
    claims = (fleet.claim("lapsing", shard=shard, ack_ms=ack_ms) for shard in shards)
    return list(await asyncio.gather(*claims))


async def offered_again(replicas: list[Replica], lost: list[Claimed]) -> list[Claimed]:
    """Poll for what was lost until all of it has come, once each."""

    async def take(number: int) -> Claimed:
        task = await asyncio.wait_for(poll(replicas[number % len(replicas)], "lapsing"), 10)
        assert task is not None
        return task

    found = await asyncio.gather(*(take(number) for number in range(len(lost))))
    assert sorted((t.pipeline_id, t.n) for t in found) == sorted((t.pipeline_id, t.n) for t in lost)
    assert not {task.claim for task in found} & {task.claim for task in lost}
    return found


@pytest.mark.measure
async def test_a_lapsed_lease_is_offered_again_promptly(fleet: Fleet) -> None:
    """A waiting poll gets a task within milliseconds of its lease's deadline."""
    replica = await fleet.replica()
    lost = await lapse(fleet, 12)
    found = await offered_again([replica], lost)
    assert max(task.lag_ms for task in found) <= 250
    assert replica.coordinator.metrics.lost["unacknowledged"] == 12


@pytest.mark.measure
async def test_everything_works_without_the_listener(fleet: Fleet) -> None:
    """With no notification and no wake-up at all it takes a second longer at most."""
    replica = await fleet.replica(listener=False)
    found = await offered_again([replica], await lapse(fleet, 12))
    assert max(task.lag_ms for task in found) <= 1250


@pytest.mark.measure
async def test_everything_works_with_polls_only(fleet: Fleet) -> None:
    """With no loop and no listener anywhere the polls do the due work, those that wait too."""
    replica = await fleet.replica(loop=False, listener=False)
    found = await offered_again([replica], await lapse(fleet, 12))
    assert max(task.lag_ms for task in found) <= 1250


async def test_three_replicas_do_it_once(fleet: Fleet) -> None:
    """Each lost lease is taken once and counted once, however many replicas look."""
    replicas = [await fleet.replica() for _ in range(3)]
    lost = await lapse(fleet, 60)
    await offered_again(replicas, lost)
    counts = [replica.coordinator.metrics.lost["unacknowledged"] for replica in replicas]
    assert sum(counts) == 60


async def test_after_a_script_flush(fleet: Fleet) -> None:
    """A server that forgot every script gets them again with the next calls."""
    replica = await fleet.replica()
    lost = await lapse(fleet, 6)
    for node in fleet.nodes:
        with node.client() as client:
            client.script_flush()
    await offered_again([replica], lost)


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
async def test_leases_that_came_due_while_the_server_restarted(
    new_server: Callable[..., Server], kind: str
) -> None:
    """No event tells of them after the restart, and they are offered again all the same."""
    server = new_server(kind, aof=True, argv=["--appendfsync", "always"])
    async with Fleet(server) as fleet:
        replica = await fleet.replica()
        lost = await lapse(fleet, 20)
        await asyncio.to_thread(server.stop)
        await pass_time(0.5)
        await asyncio.to_thread(server.start)
        found = await offered_again([replica], lost)
        assert len(found) == 20
        assert replica.coordinator.metrics.graced == 0


async def test_an_outage_gives_every_lease_its_grace(single: Fleet) -> None:
    """5,000 leases due in an outage, many batches: none is taken early, the silent ones later."""
    settings = {"outage_threshold": 2, "outage_grace": 5}
    await single.seed(5000)
    held: list[Claimed] = []
    for _ in range(10):
        held += await asyncio.gather(*(single.claim(ack_ms=100) for _ in range(500)))
    await pass_time(2.1)
    began = time.monotonic()
    replica = await single.replica(listener=False, **settings)
    metrics = replica.coordinator.metrics
    await eventually(lambda: metrics.graced == 5000)
    assert metrics.outages == 1
    assert time.monotonic() - began < 4.9
    alive = held[::500]
    assert {await single.report(task) for task in alive} == {"acknowledged"}
    assert metrics.lost.total() == 0
    await eventually(lambda: metrics.lost["unacknowledged"] == 4990, 20)
    assert time.monotonic() - began > 4.9
    assert {single.record(task)["state"] for task in alive} == {"leased"}
    assert metrics.graced == 5000


async def test_a_lease_due_just_after_an_outage_gets_its_grace_too(single: Fleet) -> None:
    """Its holder could not report either; a lease granted after the outage has no grace."""
    settings = {"outage_threshold": 1.5, "outage_grace": 3}
    await single.seed(201)
    before = await single.claim(ack_ms=3000)
    await pass_time(1.7)
    replica = await single.replica(**settings)
    metrics = replica.coordinator.metrics
    await eventually(lambda: metrics.outages == 1)
    after = await single.claim(ack_ms=300)
    await eventually(lambda: metrics.lost["unacknowledged"] == 1)
    assert single.record(after)["state"] == "ready"
    await eventually(lambda: metrics.graced == 1)
    assert single.record(before)["state"] == "leased"
    await eventually(lambda: metrics.lost["unacknowledged"] == 2)


async def test_hints_coalesce(single: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a storm of messages a shard's due work is run at most once in 10 ms."""
    runs: list[float] = []
    once = due_loop.DueLoop.run_once

    async def counted(self: due_loop.DueLoop, shard: int) -> float:
        runs.append(time.monotonic())
        return await once(self, shard)

    monkeypatch.setattr(due_loop.DueLoop, "run_once", counted)
    await single.replica()
    runs.clear()
    deadline = time.monotonic() + 1
    with single.client() as client:
        while time.monotonic() < deadline:
            pipe = client.pipeline(transaction=False)
            for _ in range(50):
                pipe.execute_command("SPUBLISH", keys.key("wake", 0), "")
            await asyncio.to_thread(pipe.execute)
    gaps = [later - sooner for sooner, later in pairwise(runs)]
    assert min(gaps) >= 0.0095
    assert sum(gap < due_loop.LONGEST_SLEEP / 2 for gap in gaps) > 3


async def test_redis_away_is_said_once_and_outlived(
    new_server: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """An outage of seconds is one warning and one word that it is over, and work goes on."""
    caplog.set_level(logging.INFO)
    server = new_server(aof=True)
    async with Fleet(server) as fleet:
        replica = await fleet.replica(redis_timeout=1)
        await asyncio.to_thread(server.stop)
        await pass_time(2.5)
        await asyncio.to_thread(server.start)
        await eventually(lambda: "due work runs again" in caplog.messages)
        await eventually(lambda: len(fleet.subscribers()) == 1)
        await offered_again([replica], await lapse(fleet, 3))
    said = [record.message for record in caplog.records if "coordinator.timers" in record.name]
    for words in ("due work of shard 0 waits", "due work runs again", "are lost for now"):
        assert sum(words in text for text in said) == 1, said
    assert len(said) == 3, said


@pytest.mark.measure
async def test_each_lost_lease_gives_one_expired_event(fleet: Fleet) -> None:
    """Any subscriber sees the `expired` event of each lease, once, and at the right moment."""
    await fleet.replica()
    events: list[tuple[str, float]] = []
    watchers = [asyncio.create_task(_watch(node, events)) for node in fleet.nodes]
    await eventually(lambda: len(fleet.subscribers()) == 2 * len(fleet.nodes))
    lost = await lapse(fleet, 50)
    kept = await lapse(fleet, 6, ack_ms=60_000)
    await eventually(lambda: len(events) >= 50)
    await pass_time(0.3)
    for watcher in watchers:
        watcher.cancel()
    await asyncio.wait(watchers)
    deadlines = {_lease_of(task): _deadline(fleet, task) for task in lost}
    assert len(deadlines) == 50
    assert sorted(key for key, _ in events) == sorted(deadlines)
    lags = [seen - deadlines[key] for key, seen in events]
    assert min(lags) >= 0
    assert max(lags) < 0.25
    assert {fleet.record(task)["state"] for task in kept} == {"leased"}


@pytest.mark.usefixtures("no_look")
async def test_nonsense_on_the_channels_is_survived(single: Fleet) -> None:
    """Messages that no script of ours publishes change nothing."""
    await single.replica()
    replica = single.replicas[0]
    waiter = polling(replica)
    await waiting(replica, 1)
    with single.client() as client:
        for data in (b"x", b"a\nb\nc", b"local\n-5\ng", b"\xff\n1\ng", b"local\n99999999\nnobody"):
            client.execute_command("SPUBLISH", keys.key("wake", 0), data)
        for name in ("coord:1:{x}:lease:a", "x:lease:y", "coord:1:{99}:lease:a:b:1"):
            client.set(name, 1, px=1)
            await eventually(lambda name=name: not client.exists(name))
    await single.seed(1)
    assert await asyncio.wait_for(waiter, 5) is not None
    assert len(single.subscribers()) == 1


@pytest.mark.measure
async def test_new_shards_are_served_without_a_restart(single: Fleet) -> None:
    """When the number of shards grows, running replicas do their due work and hear their wakes."""
    replica = await single.replica()
    await Layout(single.scripts).grow(3)
    await eventually(lambda: [row["ssub"] for row in single.subscribers()] == ["3"])
    await single.seed(1, group="lapsing", shard=2)
    lost = await single.claim("lapsing", shard=2, ack_ms=ACK_MS)
    found = await offered_again([replica], [lost])
    assert found[0].lag_ms <= 250


async def _watch(node: Server, events: list[tuple[str, float]]) -> None:
    """Note each expired event with the time it came."""
    async with Redis(unix_socket_path=str(node.socket)) as client, client.pubsub() as pubsub:
        await pubsub.psubscribe("__keyevent@*__:expired")
        async for message in pubsub.listen():
            if message["type"] == "pmessage" and b":lease:" in message["data"]:
                events.append((message["data"].decode(), time.time()))  # noqa: PERF401 - as they come


def _lease_of(task: Claimed) -> str:
    shard = shard_of(task.pipeline_id)
    return keys.key("lease", shard, ACCOUNT, task.pipeline_id, task.n).decode()


def _deadline(fleet: Fleet, task: Claimed) -> float:
    return int(fleet.record(task)["requeued_from_ms"]) / 1000
