"""Long polls of replicas: who waits, who is woken, what it costs (design: long poll)."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from unittest.mock import AsyncMock

import pytest
from fleet import Fleet, call_of, poll, polling, waiting
from rawhttp import RawClient
from waiting import eventually, pass_time

from coordinator.domain.ids import shard_of
from coordinator.service.polls import Polls

if TYPE_CHECKING:
    from coordinator.store.tasks import Claimed

MOMENT = 5  # seconds; far less than a poll waits


async def results(polls: list[asyncio.Task[Claimed | None]]) -> list[Claimed]:
    """Wait for polls, and return the tasks they got."""
    return [task for task in await asyncio.gather(*polls) if task is not None]


async def test_one_subscriber_for_each_primary(fleet: Fleet) -> None:
    """However many polls wait, a replica has one subscriber connection to each primary."""
    replica = await fleet.replica(poll_wait=2)
    polls = [polling(replica, f"g{n % 7}") for n in range(300)]
    await waiting(replica, 300)
    rows = fleet.subscribers()
    assert len(rows) == len(fleet.nodes)
    assert sum(int(row["ssub"]) for row in rows) == fleet.shards
    assert {row["psub"] for row in rows} == {"1"}
    replica.coordinator.polls.close()
    assert await results(polls) == []


@pytest.mark.usefixtures("no_look")
async def test_a_task_made_ready_wakes_a_waiting_poll(fleet: Fleet) -> None:
    """Whatever shard a task is in, a poll that waits gets it at once."""
    replica = await fleet.replica()
    for shard in range(fleet.shards):
        waiter = polling(replica)
        await waiting(replica, 1)
        pipeline = await fleet.seed(1, shard=shard)
        task = await asyncio.wait_for(waiter, MOMENT)
        assert task is not None
        assert (task.pipeline_id, shard_of(task.pipeline_id)) == (pipeline, shard)


@pytest.mark.usefixtures("no_look")
async def test_a_wake_wakes_no_more_waiters_than_tasks(fleet: Fleet) -> None:
    """Of 20 waiting polls three look for three tasks, and the others stay undisturbed."""
    replica = await fleet.replica()
    polls = [polling(replica) for _ in range(20)]
    await waiting(replica, 20)
    checks = []
    claim = replica.coordinator.polls._claim

    async def counted(shard: int, call: object) -> Claimed | None:
        checks.append(shard)
        return await claim(shard, call)

    replica.coordinator.polls._claim = counted
    await fleet.seed(3)
    await eventually(lambda: sum(waiter.done() for waiter in polls) == 3)
    await waiting(replica, 17)
    assert len(checks) == 3
    replica.coordinator.polls.close()
    assert len(await results(polls)) == 3


@pytest.mark.usefixtures("no_look")
async def test_first_come_first_served(fleet: Fleet) -> None:
    """Polls get tasks in the order in which they came."""
    replica = await fleet.replica()
    polls = []
    for _ in range(8):
        polls.append(polling(replica))
        await waiting(replica, len(polls))
    for number in range(8):
        await fleet.seed(1, shard=number % fleet.shards)
        await asyncio.wait_for(asyncio.shield(polls[number]), MOMENT)
        assert [waiter.done() for waiter in polls] == [True] * (number + 1) + [False] * (7 - number)


@pytest.mark.usefixtures("no_look")
async def test_a_waiter_registers_before_it_checks(fleet: Fleet) -> None:
    """A task made ready after a check has looked and before its answer is not missed."""
    replica = await fleet.replica()
    tasks, claim = replica.coordinator.polls._tasks, replica.coordinator.polls._tasks.claim
    received = replica.coordinator.metrics.wakes

    async def made_ready_behind_it(shard: int, *args: object) -> Claimed | None:
        found = await claim(shard, *args)
        tasks.claim = claim
        await fleet.seed(1, shard=shard)
        await eventually(lambda: replica.coordinator.metrics.wakes > received)
        return found

    tasks.claim = made_ready_behind_it
    assert await asyncio.wait_for(poll(replica), MOMENT) is not None


@pytest.mark.measure
async def test_a_lost_connection_of_the_subscriber_costs_a_second_at_most(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task whose wake-up went to nobody is found by the look once a second."""
    replica = await fleet.replica()
    waiter = polling(replica)
    await waiting(replica, 1)
    fleet.cut_subscribers()
    await fleet.seed(1, shard=fleet.shards - 1)
    assert await asyncio.wait_for(waiter, 1.3) is not None
    await eventually(lambda: len(fleet.subscribers()) == len(fleet.nodes))
    monkeypatch.setattr(Polls, "check_waiting", AsyncMock())  # the next wake-up must arrive
    again = polling(replica)
    await waiting(replica, 1)
    await fleet.seed(1)
    assert await asyncio.wait_for(again, MOMENT) is not None


async def test_without_a_listener_a_poll_waits_a_second_at_most(fleet: Fleet) -> None:
    """Where no wake-up ever arrives the look once a second hands out every task, in any shard."""
    replica = await fleet.replica(listener=False)
    polls = [polling(replica) for _ in range(30)]
    await waiting(replica, 30)
    started = time.monotonic()
    for number in range(6):
        await fleet.seed(5, shard=number % fleet.shards)
    handed = await results(polls)
    assert time.monotonic() - started < 6
    assert len({(task.pipeline_id, task.n) for task in handed}) == 30


async def test_the_look_for_lost_wakes_is_one_call_for_each_shard(fleet: Fleet) -> None:
    """Once a second each shard is asked once, for all groups together."""
    replica = await fleet.replica(loop=False)
    asked: list[tuple[int, int]] = []
    tasks = replica.coordinator.polls._tasks
    ask = tasks.ready_groups

    async def counted(shard: int, groups: list[tuple[str, str]]) -> list[int]:
        asked.append((shard, len(groups)))
        return await ask(shard, groups)

    polls = [polling(replica, f"g{n}") for n in range(100)]
    await waiting(replica, 100)
    tasks.ready_groups = counted
    await eventually(lambda: len(asked) >= 2 * fleet.shards)
    assert sorted(asked[: fleet.shards]) == [(shard, 100) for shard in range(fleet.shards)]
    replica.coordinator.polls.close()
    assert await results(polls) == []


async def test_each_task_goes_to_one_of_the_racing_polls(fleet: Fleet) -> None:
    """40 tasks, 12 polls racing on two replicas: each task is handed out exactly once."""
    replicas = [await fleet.replica() for _ in range(2)]
    got: list[tuple[str, int]] = []

    async def race(number: int) -> None:
        while task := await poll(replicas[number % 2]):
            got.append((task.pipeline_id, task.n))

    racers = [asyncio.create_task(race(number)) for number in range(12)]
    for number in range(8):
        await fleet.seed(5, shard=number % fleet.shards)
    await eventually(lambda: len(got) >= 40)
    for replica in replicas:
        replica.coordinator.polls.close()
    await asyncio.gather(*racers)
    assert len(got) == len(set(got)) == 40
    assert [await poll(replica) for replica in replicas] == [None, None]


@pytest.mark.measure
async def test_the_wait_ends_with_nothing(single: Fleet) -> None:
    """A poll for which nothing came is answered with an empty object after the wait."""
    replica = await single.replica(poll_wait=0.5)
    client = await RawClient.connect(await single.serve(replica))
    started = time.monotonic()
    client.poll()
    assert await client.answer() == (200, {})
    assert 0.45 < time.monotonic() - started < 1
    await client.close()


async def test_no_wait_at_all_is_one_look(single: Fleet) -> None:
    """With a wait of 0 a poll takes what is there and never waits."""
    replica = await single.replica(poll_wait=0)
    await single.seed(1)
    assert await poll(replica) is not None
    assert await poll(replica) is None


async def test_idle_polls_cost_memory_only(fleet: Fleet) -> None:
    """2,000 waiting polls make no more calls of Redis than 10 do."""
    replica = await fleet.replica(poll_wait=60)

    async def calls_in_two_seconds() -> int:
        before = replica.router.counters.calls
        await pass_time(2)
        return replica.router.counters.calls - before

    polls = [polling(replica) for _ in range(10)]
    await waiting(replica, 10)
    few = await calls_in_two_seconds()
    polls += [polling(replica, f"g{n % 20}") for n in range(1990)]
    await waiting(replica, 2000)
    many = await calls_in_two_seconds()
    assert many < few + 20 * fleet.shards, (few, many)
    replica.coordinator.polls.close()
    assert await results(polls) == []


async def test_eight_thousand_polls_end_together_in_time(single: Fleet) -> None:
    """Polls whose time is up at once leave without holding the replica up."""
    replica = await single.replica(poll_wait=90)
    polls = [polling(replica) for _ in range(8_000)]
    await waiting(replica, 8_000)
    started = time.monotonic()
    replica.coordinator.polls.close()
    assert await results(polls) == []
    assert time.monotonic() - started < 3


@pytest.mark.usefixtures("no_look")
async def test_a_poll_applies_due_work_before_it_claims(fleet: Fleet) -> None:
    """Without any loop a poll gets a task whose lease has just lapsed."""
    replica = await fleet.replica(loop=False, listener=False, poll_wait=0)
    await fleet.seed(1, shard=fleet.shards - 1)
    lost = await fleet.claim(shard=fleet.shards - 1, ack_ms=20)
    await pass_time(0.1)
    found = await poll(replica)
    assert found is not None
    assert (found.n, found.claim != lost.claim) == (lost.n, True)


@pytest.mark.usefixtures("no_look")
async def test_a_barred_poll_leaves_its_wake_to_the_next(fleet: Fleet) -> None:
    """An earlier try that is barred and first in line does not swallow a wake-up."""
    replica = await fleet.replica()
    barred = polling(replica, name="call")
    await waiting(replica, 1)
    behind = polling(replica)
    await waiting(replica, 2)
    for shard in range(fleet.shards):
        await fleet.tasks.bar(shard, call_of(name="call", attempt=2), 60_000)
    await fleet.seed(1)
    assert await asyncio.wait_for(behind, MOMENT) is not None
    assert await asyncio.wait_for(barred, MOMENT) is None


@pytest.mark.usefixtures("no_look")
async def test_a_canceled_poll_leaves_its_wake_to_the_next(single: Fleet) -> None:
    """A poll that is ended by force at the moment of its wake does not swallow it."""
    replica = await single.replica()
    first, second = polling(replica), polling(replica)
    await waiting(replica, 2)
    await single.seed(1)
    lines = replica.coordinator.polls.waiters
    await eventually(lambda: any(line.checking for line in lines._lines.values()) or first.done())
    first.cancel()
    await asyncio.wait([first])
    if first.cancelled():
        assert await asyncio.wait_for(second, MOMENT) is not None
    second.cancel()


async def test_one_pipeline_among_many_tasks_of_another(single: Fleet) -> None:
    """Over HTTP, one task of B is handed out within two claims beside A's hundreds."""
    replica = await single.replica()
    client = await RawClient.connect(await single.serve(replica))
    many = await single.seed(300)
    client.poll()
    first = await client.task()
    assert first is not None
    assert first["pipelineId"] == many
    few = await single.seed(1)
    owners = []
    for _ in range(4):
        client.poll()
        task = await client.task()
        assert task is not None
        owners.append(task["pipelineId"])
    assert few in owners[:2]
    assert owners.count(few) == 1
    await client.close()
