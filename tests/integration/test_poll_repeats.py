"""Repeats of a poll whose answer was lost, and answers of Redis that were lost."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from copy import copy
from typing import TYPE_CHECKING

import pytest
from fleet import Fleet, call_of, claim_at_once, poll, polling, waiting
from pipelines import activity, new_group, start
from proxy import Proxy
from rawhttp import RawClient
from replicas import ReplicaProcess
from waiting import eventually

from coordinator.service.waiters import Presence
from coordinator.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Server


@pytest.fixture
def process(valkey: Server) -> Iterator[ReplicaProcess]:
    """A real replica on Valkey."""
    made = ReplicaProcess(valkey.url, POLL_WAIT=2)
    made.start()
    yield made
    made.close()


async def test_a_repeat_gets_the_same_handle(fleet: Fleet) -> None:
    """On another replica, in whatever shard, for as long as it is not acknowledged."""
    ports = [await fleet.serve(await fleet.replica(poll_wait=1)) for _ in range(2)]
    clients = [await RawClient.connect(port) for port in ports]
    for shard in range(fleet.shards):
        await fleet.seed(2, group=f"g{shard}", shard=shard)
        clients[0].poll(f"g{shard}", invocation="one", attempt=1)
        told = await clients[0].task()
        assert told is not None
        for attempt in (2, 3):
            clients[1].poll(f"g{shard}", invocation="one", attempt=attempt)
            again = await clients[1].task()
            assert again is not None
            assert again["taskId"] == told["taskId"]
            assert list(again["objects"]) == list(told["objects"])
        clients[1].ask("ReportTaskProgress", {"taskId": told["taskId"]})
        assert await clients[1].answer() == (200, {"canceled": False})
        clients[1].poll(f"g{shard}", invocation="one", attempt=4)
        other = await clients[1].task()
        assert other is not None
        assert other["taskId"] != told["taskId"]
    for client in clients:
        await client.close()


@pytest.mark.usefixtures("no_look")
async def test_an_earlier_try_cannot_claim_after_the_repeat(fleet: Fleet) -> None:
    """A try that still waits when its repeat has come ends with nothing; the repeat gets it."""
    first, second = [await fleet.replica(poll_wait=3) for _ in range(2)]
    earlier = polling(first, name="call")
    await waiting(first, 1)
    repeat = polling(second, name="call", attempt=2)
    await waiting(second, 1)
    await fleet.seed(1, shard=fleet.shards - 1)
    task = await repeat
    assert task is not None
    assert await earlier is None
    assert fleet.record(task)["claim"] == task.claim
    assert first.coordinator.metrics.granted == 0


async def test_the_latest_repeat_wins(fleet: Fleet) -> None:
    """Each further try bars all before it, wherever they wait."""
    replicas = [await fleet.replica(poll_wait=2) for _ in range(2)]
    last = keys.key("call", fleet.shards - 1, "call")
    tries = [polling(replicas[0], name="call")]
    await waiting(replicas[0], 1)
    with fleet.client() as client:
        for attempt in (2, 3, 4):
            tries.append(polling(replicas[attempt % 2], name="call", attempt=attempt))
            await eventually(lambda n=attempt: client.get(last) == b"barred %d" % n)
    await eventually(lambda: replicas[0].coordinator.polls.waiters.count > 0)
    await fleet.seed(2, shard=fleet.shards - 1)
    done = await asyncio.gather(*tries)
    assert [task is not None for task in done] == [False, False, False, True]


async def test_polls_without_an_id_are_all_different(single: Fleet) -> None:
    """A client that sends no invocation id never gets another poll's task, whatever it counts."""
    client = await RawClient.connect(await single.serve(await single.replica(poll_wait=0)))
    await single.seed(3)
    handles = set()
    for attempt in (0, 2, 2):
        client.poll(attempt=attempt)
        task = await client.task()
        assert task is not None
        handles.add(task["taskId"])
    assert len(handles) == 3
    client.poll(attempt=2)
    assert await client.task() is None
    await client.close()


async def test_an_id_counts_for_its_group_only(single: Fleet) -> None:
    """The same invocation id for another worker group is another call."""
    client = await RawClient.connect(await single.serve(await single.replica(poll_wait=0)))
    await single.seed(1, group="a")
    await single.seed(1, group="b")
    client.poll("a", invocation="one", attempt=1)
    first = await client.task()
    client.poll("b", invocation="one", attempt=2)
    second = await client.task()
    assert first is not None
    assert second is not None
    assert first["taskId"] != second["taskId"]
    await client.close()


async def test_a_repeat_after_a_give_back_gets_a_task(single: Fleet) -> None:
    """Where the task of the earlier try went back, its repeat claims as any poll does."""
    replica = await single.replica(poll_wait=0)
    await single.seed(1)
    first = await poll(replica, name="call")
    assert first is not None
    assert await single.tasks.give_back(call_of(name="call"), first, 0)
    again = await poll(replica, name="call", attempt=2)
    assert again is not None
    assert (again.n, again.claim != first.claim) == (first.n, True)


async def test_an_answer_that_redis_sent_in_vain_is_asked_for_again(single: Fleet) -> None:
    """The connection breaks after the claim: the poll gets that very task."""
    async with Proxy(single.server.socket) as proxy:
        replica = await single.replica(url=proxy.url, loop=False, listener=False, poll_wait=1)
        await single.seed(1)
        await claim_at_once(single, replica)
        proxy.half_open()
        waiter = polling(replica)
        await eventually(lambda: _claims(single))
        (claimed,) = _claims(single)
        proxy.heal()
        proxy.reset()
        task = await asyncio.wait_for(waiter, 3)
        assert task is not None
        assert task.claim == claimed
        assert await poll(replica) is None


async def test_a_silent_redis_is_asked_again(single: Fleet) -> None:
    """An answer that does not come within the timeout is asked for again just the same."""
    async with Proxy(single.server.socket) as proxy:
        options = {"redis_timeout": 1, "poll_wait": 0}
        replica = await single.replica(url=proxy.url, loop=False, listener=False, **options)
        await single.seed(1)
        await claim_at_once(single, replica)
        proxy.half_open()
        started = time.monotonic()
        waiter = polling(replica)
        await eventually(lambda: _claims(single))
        await eventually(lambda: proxy.accepted > 1 and not replica.router.connected)
        proxy.heal()
        task = await asyncio.wait_for(waiter, 5)
        assert task is not None
        assert [task.claim] == _claims(single)
        assert 0.9 < time.monotonic() - started < 4


async def test_boto3_repeats_a_poll_whose_answer_was_cut(process: ReplicaProcess) -> None:
    """A stock client behind a connection that breaks in mid-answer: one task, handed out once."""
    group = new_group()
    with closing(process.client()) as api:
        start(api, activity("Only", group))
        async with Proxy(process.port) as proxy:
            proxy.cut_after(5)
            front = copy(process)
            front.port = proxy.port
            client = front.client(attempts=3)
            answer = await asyncio.to_thread(
                client.poll_for_task, workerGroup=group, hostname="host"
            )
            client.close()
        task = answer["taskObject"]
        assert answer["ResponseMetadata"]["RetryAttempts"] == 1
        assert api.report_task_progress(taskId=task["taskId"])["canceled"] is False
        assert "taskObject" not in api.poll_for_task(workerGroup=group, hostname="host")


async def test_a_task_told_to_a_later_try_is_not_given_back(single: Fleet) -> None:
    """A try whose client left cannot take back what its repeat has been told meanwhile."""
    other = await single.replica(loop=False, poll_wait=0)
    async with Proxy(single.server.socket) as proxy:
        replica = await single.replica(url=proxy.url, loop=False, listener=False)
        await single.seed(1)
        await claim_at_once(single, replica)
        proxy.half_open()
        presence = Presence()
        earlier = polling(replica, name="call", presence=presence)
        await eventually(lambda: _claims(single))
        presence.leave()
        repeat = await poll(other, name="call", attempt=2)
        assert repeat is not None
        proxy.heal()
        assert await earlier is None
        assert replica.coordinator.metrics.given_back == 0
        assert await single.report(repeat) == "acknowledged"


def _claims(fleet: Fleet) -> list[str]:
    """Return the claims that hold a lease."""
    with fleet.client() as client:
        return [client.get(key).decode() for key in client.keys("*:lease:*")]
