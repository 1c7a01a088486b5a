"""Clients that leave a long poll: before the claim, in its moment, after the answer."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from fleet import Fleet, claim_at_once, poll, polling, waiting
from proxy import Proxy
from rawhttp import RawClient, request
from waiting import eventually

from coordinator.service.waiters import Presence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from servers import Server

    from coordinator.store.tasks import Claimed

MOMENT = 5  # seconds; far less than a poll waits, or a lease lasts
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture
async def fleet(valkey: Server) -> AsyncIterator[Fleet]:
    """A fleet on Valkey."""
    async with Fleet(valkey) as made:
        yield made


@pytest.mark.usefixtures("no_look")
async def test_who_leaves_while_waiting_gets_no_task(fleet: Fleet) -> None:
    """A poll whose client closed is out of line at once, and the next one gets the task."""
    replica = await fleet.replica()
    port = await fleet.serve(replica)
    clients = [await RawClient.connect(port) for _ in range(3)]
    for number, client in enumerate(clients):
        client.poll()
        await waiting(replica, number + 1)
    for client in clients[:2]:
        await client.close()
    await waiting(replica, 1)
    await fleet.seed(1)
    task = await asyncio.wait_for(clients[2].task(), MOMENT)
    assert task is not None
    assert replica.coordinator.metrics.granted == 1
    assert replica.coordinator.metrics.given_back == 0
    await clients[2].close()


@pytest.mark.usefixtures("no_look")
async def test_the_wake_of_one_who_left_goes_to_the_next(fleet: Fleet) -> None:
    """A close and a wake in the same turn: the wake is not lost with the client."""
    replica = await fleet.replica()
    presence = Presence()
    first = polling(replica, presence=presence)
    await waiting(replica, 1)
    second = polling(replica)
    await waiting(replica, 2)
    await fleet.seed(1)
    replica.coordinator.polls.waiters.wake(("local", "g"), 1, 0)
    presence.leave()
    task = await asyncio.wait_for(second, MOMENT)
    assert task is not None
    assert await first is None
    assert fleet.record(task)["claim"] == task.claim


async def test_who_leaves_during_a_fruitless_check_leaves_the_line(fleet: Fleet) -> None:
    """A close that comes while the claim is under way is not forgotten when it finds nothing."""
    replica = await fleet.replica()
    presence = Presence()
    tasks, claim = replica.coordinator.polls._tasks, replica.coordinator.polls._tasks.claim

    async def leaving(shard: int, *args: Any) -> Claimed | None:
        found = await claim(shard, *args)
        presence.leave()
        return found

    tasks.claim = leaving
    assert await asyncio.wait_for(poll(replica, presence=presence), MOMENT) is None
    assert replica.coordinator.polls.waiters.count == 0


async def test_one_who_has_left_already_never_claims(fleet: Fleet) -> None:
    """A poll that begins without a client takes nothing."""
    replica = await fleet.replica()
    await fleet.seed(1)
    presence = Presence()
    presence.leave()
    assert await asyncio.wait_for(poll(replica, presence=presence), MOMENT) is None
    assert replica.coordinator.metrics.granted == replica.coordinator.metrics.given_back == 0
    assert await poll(replica) is not None


async def test_a_task_claimed_for_one_who_left_goes_back_at_once(fleet: Fleet) -> None:
    """With Redis slow the claim is answered after the close: the task is free again at once."""
    async with Proxy(fleet.server.socket) as proxy:
        replica = await fleet.replica(url=proxy.url, loop=False, listener=False)
        pipeline = await fleet.seed(1)
        client = await RawClient.connect(await fleet.serve(replica))
        await claim_at_once(fleet, replica)
        proxy.half_open()
        client.poll()
        await eventually(lambda: _leases(fleet))
        await client.close()
        proxy.heal()
        await eventually(lambda: replica.coordinator.metrics.given_back == 1)
        assert not _leases(fleet)
        assert replica.coordinator.metrics.granted == 0
        task = await poll(replica)
        assert task is not None
        assert (task.pipeline_id, task.attempt) == (pipeline, 1)


@pytest.mark.usefixtures("no_look")
async def test_a_task_given_back_goes_to_the_next_in_line(fleet: Fleet) -> None:
    """Somebody who waits on another replica gets it within milliseconds, not after 120 s."""
    other = await fleet.replica()
    async with Proxy(fleet.server.socket) as proxy:
        replica = await fleet.replica(url=proxy.url, loop=False, listener=False)
        await fleet.seed(1)
        client = await RawClient.connect(await fleet.serve(replica))
        await claim_at_once(fleet, replica)
        proxy.half_open()
        client.poll()
        await eventually(lambda: _leases(fleet))
        next_in_line = polling(other)
        await waiting(other, 1)
        await client.close()
        proxy.heal()
        assert await asyncio.wait_for(next_in_line, MOMENT) is not None


@pytest.mark.parametrize("new_loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_close_that_is_in_the_socket_when_the_claim_is_answered(
    valkey: Server, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """A client that closed just before its answer could be written has its task given back."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_close_with_the_claim(valkey))


async def _close_with_the_claim(server: Server) -> None:
    async with Fleet(server) as fleet:
        replica = await fleet.replica(loop=False)
        port, metrics = await fleet.serve(replica), replica.coordinator.metrics
        tasks, claim = replica.coordinator.polls._tasks, replica.coordinator.polls._tasks.claim
        clients: list[socket.socket] = []

        async def closing(*args: Any) -> Claimed | None:
            found = await claim(*args)
            clients.pop().close()  # the end of file is in the replica's socket now
            return found

        tasks.claim = closing
        for rounds in range(1, 21):
            await fleet.seed(1)
            clients.append(socket.create_connection(("127.0.0.1", port)))
            clients[-1].sendall(request("PollForTask", {"workerGroup": "g"}))
            await eventually(lambda n=rounds: metrics.given_back + metrics.granted == n)
            assert metrics.granted == 0


async def test_a_close_after_the_answer_gives_nothing_back(fleet: Fleet) -> None:
    """What was told stays with its handle until the acknowledgement deadline."""
    replica = await fleet.replica(poll_wait=0.3)
    await fleet.seed(1)
    port = await fleet.serve(replica)
    client = await RawClient.connect(port)
    client.poll()
    told = await client.task()
    assert told is not None
    await client.close()
    assert await poll(replica) is None
    assert replica.coordinator.metrics.given_back == 0
    other = await RawClient.connect(port)
    other.ask("ReportTaskProgress", {"taskId": told["taskId"]})
    assert await other.answer() == (200, {"canceled": False})
    await other.close()


async def test_a_task_that_cannot_go_back_waits_for_its_deadline(fleet: Fleet) -> None:
    """With Redis gone between claim and close the deadline does what the give-back cannot."""
    other = await fleet.replica()
    async with Proxy(fleet.server.socket) as proxy:
        options = {"redis_timeout": 1, "ack_timeout": 1}
        replica = await fleet.replica(url=proxy.url, loop=False, listener=False, **options)
        await fleet.seed(1)
        presence = Presence()
        tasks, claim = replica.coordinator.polls._tasks, replica.coordinator.polls._tasks.claim

        async def leaving(*args: Any) -> Claimed | None:
            found = await claim(*args)
            presence.leave()
            proxy.refuse()
            proxy.reset()
            return found

        tasks.claim = leaving
        assert await poll(replica, presence=presence) is None
        assert replica.coordinator.metrics.given_back == 0
        assert await asyncio.wait_for(poll(other), 10) is not None
        assert other.coordinator.metrics.lost["unacknowledged"] == 1


def _leases(fleet: Fleet) -> list[bytes]:
    with fleet.client() as client:
        return client.keys("*:lease:*")
