"""Claims: order, fairness, repeats."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from seeds import ACCOUNT, Bench, component, components
from waiting import eventually

from coordinator.errors import PollSupersededError

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.store.routing import Router
    from coordinator.store.tasks import Claimed


async def test_claim_hands_out_all_that_a_runner_needs(bench: Bench) -> None:
    """A claim names the task, its object, its numbers, and whether there is more."""
    pipeline = await bench.start([component("Copy", progress_timeout_ms=5000), component("Other")])
    task = await bench.claim()
    assert (task.pipeline_id, task.n, task.attempt, task.component) == (pipeline, 1, 1, "Copy")
    assert task.template == b"[]"
    assert (task.lag_ms, task.more, task.checkpoint) == (-1, True, {})
    assert task.instance_id.startswith("@Copy_20")
    assert (task.progress_timeout_ms, task.scheduled_ms % 1000) == (5000, 0)
    assert not (await bench.claim()).more


async def test_nothing_ready_is_no_task(bench: Bench) -> None:
    """A claim finds nothing in a group without ready tasks, and changes nothing."""
    await bench.start()
    before = bench.dump()
    assert await bench.poll("another group") is None
    assert bench.dump() == before


async def test_oldest_scheduled_task_first(bench: Bench) -> None:
    """Within a pipeline the task with the earliest scheduled time goes first, then by number."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(12))
    for _ in range(2):
        await bench.pipelines.activate(ACCOUNT, pipeline, version, "")
    first = await bench.claim()
    assert first.n == 1
    await bench.finish(first, "FAILED")  # its retry is older than all the others
    claimed = [await bench.claim() for _ in range(24)]
    assert [task.n for task in claimed] == list(range(1, 25))
    assert claimed[0].scheduled_ms < claimed[-1].scheduled_ms


async def test_late_pipeline_waits_for_two_claims_at_most(bench: Bench) -> None:
    """One task of B is handed out within two claims, however many of A were and are ready."""
    await bench.start(200)
    for _ in range(50):
        await bench.claim()
    late = await bench.start()
    assert late in [(await bench.claim()).pipeline_id for _ in range(2)]


async def test_pipelines_that_keep_coming_back_take_turns(bench: Bench) -> None:
    """Two pipelines with one task each, failing again and again, are served alternately."""
    for _ in range(2):
        await bench.start([component(maximum_retries=1000)])
    order = []
    for _ in range(12):
        task = await bench.claim()
        order.append(task.pipeline_id)
        await bench.finish(task, "FAILED")
    assert all(order[i] != order[i + 1] for i in range(11))


async def test_coming_back_gains_nothing_over_staying(bench: Bench) -> None:
    """A pipeline that leaves the turns and returns at once does not starve one that stays."""
    patient = await bench.start(100)
    hasty = await bench.start([component(maximum_retries=1000)])
    order = []
    for _ in range(40):
        task = await bench.claim()
        order.append(task.pipeline_id)
        if task.pipeline_id == hasty:
            await bench.finish(task, "FAILED")
    assert 18 <= order.count(patient) <= 22


async def test_repeat_gets_the_same_claim(bench: Bench) -> None:
    """The same call again gets the same handle and token, until it is acknowledged."""
    await bench.start(2)
    call = bench.call(name="repeated")
    first = await bench.poll(call=call)
    assert first is not None
    again = await bench.poll(call=call)
    assert again is not None
    assert again == first._replace(more=again.more, again=True, waited_ms=-1)
    await bench.report(first)
    other = await bench.poll(call=call)
    assert other is not None
    assert other.n != first.n


async def test_earlier_try_is_barred(bench: Bench) -> None:
    """Once a later try has barred it, an earlier try claims nothing; the later one does."""
    await bench.start()
    late, early = bench.call(name="c", attempt=2), bench.call(name="c", attempt=1)
    assert not await bench.tasks.bar(0, late, 60_000)
    before = bench.dump()
    with pytest.raises(PollSupersededError):
        await bench.poll(call=early)
    assert bench.dump() == before
    assert await bench.poll(call=late) is not None


async def test_bar_never_falls(bench: Bench) -> None:
    """A bar of a late try stays when an earlier one is set after it."""
    await bench.start()
    for attempt in (3, 2):
        await bench.tasks.bar(0, bench.call(name="c", attempt=attempt), 60_000)
    with pytest.raises(PollSupersededError):
        await bench.poll(call=bench.call(name="c", attempt=2))


async def test_earlier_try_stays_barred_after_the_later_claimed(bench: Bench) -> None:
    """An earlier try that arrives after the later one's task was acknowledged takes no other."""
    await bench.start(2)
    late, early = bench.call(name="c", attempt=2), bench.call(name="c", attempt=1)
    await bench.tasks.bar(0, late, 60_000)
    task = await bench.poll(call=late)
    assert task is not None
    await bench.report(task)
    with pytest.raises(PollSupersededError):
        await bench.poll(call=early)


async def test_bar_finds_the_claim_of_an_earlier_try(bench: Bench) -> None:
    """Where an earlier try holds a task, the bar says so, and the later try gets that task."""
    await bench.start(2)
    first = await bench.poll(call=bench.call(name="c"))
    late = bench.call(name="c", attempt=2)
    assert await bench.tasks.bar(0, late, 60_000)
    again = await bench.poll(call=late)
    assert first is not None
    assert again is not None
    assert again.claim == first.claim


async def test_token_only_grows(bench: Bench) -> None:
    """Each hand-out of an instance has a larger fencing token, made of the server's time."""
    await bench.start([component(maximum_retries=9)])
    tokens = []
    for _ in range(5):
        task = await bench.claim()
        tokens.append(int(task.token))
        await bench.finish(task, "FAILED")
    assert tokens == sorted(set(tokens))
    assert tokens[0] > 1_600_000_000_000_000


async def test_token_grows_from_a_token_of_the_future(bench: Bench) -> None:
    """A token larger than the clock (which stepped back) is followed by the next integer."""
    pipeline = await bench.start()
    future = 4_102_444_800_000_000
    key = f"coord:1:{{0}}:instance:{ACCOUNT}:{pipeline}:1"
    await bench.router.execute(key, "HSET", key, "token", future)
    assert int((await bench.claim()).token) == future + 1


async def test_deleted_pipelines_are_stepped_over(bench: Bench) -> None:
    """Tasks of deleted pipelines are not handed out, also before the clean-up."""
    dead = [await bench.start(3) for _ in range(5)]
    alive = await bench.start()
    for pipeline in dead:
        await bench.delete(pipeline)
    assert (await bench.claim()).pipeline_id == alive
    assert await bench.poll() is None


async def test_nothing_but_deleted_pipelines(bench: Bench) -> None:
    """A group in which only deleted pipelines have tasks has none to hand out, and stays usable."""
    dead = await bench.start(3)
    await bench.delete(dead)
    assert await bench.poll() is None
    await bench.settle()
    await bench.start()
    assert await bench.claim()


async def test_repeat_after_deletion_gets_nothing(bench: Bench) -> None:
    """A repeated call is not given a task of a pipeline that was deleted meanwhile."""
    pipeline = await bench.start()
    call = bench.call(name="repeated")
    assert await bench.poll(call=call)
    await bench.delete(pipeline)
    assert await bench.poll(call=call) is None
    alive = await bench.start()
    again = await bench.poll(call=call)
    assert again is not None
    assert again.pipeline_id == alive


async def test_returned_task_is_ready_again(bench: Bench) -> None:
    """A claim that is given back can be claimed at once; its handle is superseded."""
    await bench.start()
    first = await bench.claim()
    assert await bench.give_back(first)
    second = await bench.claim()
    assert (second.n, second.attempt) == (first.n, first.attempt)
    assert second.claim != first.claim
    assert await bench.report(first) == "superseded"
    assert not await bench.give_back(first)


async def test_acknowledged_task_is_not_given_back(bench: Bench) -> None:
    """Giving back a task that was acknowledged changes nothing."""
    await bench.start()
    task = await bench.claim()
    await bench.report(task)
    before = bench.dump()
    assert not await bench.give_back(task)
    assert bench.dump() == before


async def test_giving_back_often_costs_no_memory(bench: Bench) -> None:
    """The record of a task does not grow with the number of times that it is given back."""
    pipeline = await bench.start()
    sizes = []
    for _ in range(30):
        await bench.give_back(await bench.claim())
        record = bench.dump()[f"coord:1:{{0}}:instance:{ACCOUNT}:{pipeline}:1"]
        sizes.append(len(record.value))
    assert sizes[-1] == sizes[9]


async def test_forty_tasks_and_twelve_claimers(
    bench: Bench, new_router: Callable[..., Router]
) -> None:
    """Claimers on two routers at once are handed each of forty tasks exactly once."""
    for _ in range(4):
        await bench.start(10)
    benches = [bench, Bench(bench.server, new_router(bench.server.url))]

    async def drain(some: Bench) -> list[Claimed]:
        claimed = []
        while (task := await some.poll()) is not None:
            claimed.append(task)
        return claimed

    lists = await asyncio.gather(*(drain(benches[i % 2]) for i in range(12)))
    tasks = [task for some in lists for task in some]
    assert len({(task.pipeline_id, task.n) for task in tasks}) == len(tasks) == 40
    assert len({task.claim for task in tasks}) == 40


async def test_ready_groups_counts_pipelines(bench: Bench) -> None:
    """The look for lost wake-ups says for each group how many pipelines have ready tasks."""
    await bench.start(3)
    await bench.start([component(group="g"), component("Other", group="h")])
    groups = [(ACCOUNT, "h"), (ACCOUNT, "none"), (ACCOUNT, "g"), ("another", "g")]
    assert await bench.tasks.ready_groups(0, groups) == [1, 0, 2, 0]


async def test_nothing_is_given_back_for_a_forgotten_call(bench: Bench) -> None:
    """A replica that comes to itself after the deadline takes nothing from who was told since."""
    await bench.start()
    call = bench.call()
    first = await bench.poll(ack_ms=1, call=call)
    assert first is not None
    await eventually(lambda: not any(":call:" in key for key in bench.dump()))
    assert not await bench.give_back(first)
    assert await bench.report(first) == "acknowledged"


async def test_nothing_is_given_back_for_a_call_that_is_only_barred(bench: Bench) -> None:
    """A late bar of the same try does not bring a forgotten call back."""
    await bench.start()
    call = bench.call(attempt=2)
    first = await bench.poll(ack_ms=1, call=call)
    assert first is not None
    await eventually(lambda: not any(":call:" in key for key in bench.dump()))
    await bench.tasks.bar(0, call, 60_000)
    assert not await bench.give_back(first)
    assert await bench.report(first) == "acknowledged"
