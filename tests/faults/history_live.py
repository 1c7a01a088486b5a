"""A few seconds of clients, replicas and faults, and everything that must be true of them."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from chaos import check_data
from history_checks import check_history
from history_clients import Operator, Runner
from history_world import OPTIONS, World
from waiting import eventually, pass_time

if TYPE_CHECKING:
    import random

    from history_checks import Summary
    from servers import Server

RUNNERS = 16
PIPELINES = 8
QUIET, OUTAGE, NETWORK = 1.2, 1.1, 1.2  # seconds of each phase
LOOKS = 4
SLOW = 0.02  # seconds, on the way to the server and back: so calls overtake each other
DRAIN = 20
MOVING = {"ready", "leased", "delayed"}


async def run_live(server: Server, chance: random.Random) -> Summary:
    """Let clients work on `server`, which this freezes once; check all that they were told.

    First nothing fails but the clients themselves; then there is an outage; then one replica is
    far from Redis; then answers of Redis are lost. At the end what can run does, the rest is
    canceled, and every status is read.

    Raises:
        AssertionError: a promise was broken; the message has the calls.
    """
    async with World(server, chance) as world:
        for _ in range(PIPELINES):
            await world.start()
        operator = Operator(world)
        clients = [Runner(world, number).run() for number in range(RUNNERS)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client) for client in (operator.run(), *clients)]
            await _quiet(world)
            await _outage(world)
            world.proxies[0].latency = SLOW
            await _quiet(world)
            await _bad_network(world)
            world.calm = True
            await tasks[0]
            await _drain(world, operator)
            world.stopped = True
        return await _judge(world)


async def _quiet(world: World) -> None:
    """Let time pass without faults, and look at the data now and then."""
    for _ in range(LOOKS):
        await pass_time(QUIET / LOOKS)
        await world.look()


async def _outage(world: World) -> None:
    """Freeze the server for longer than a lease."""
    world.troubled = True
    world.server.pause()
    began = time.monotonic()
    await pass_time(OUTAGE)
    world.fault("outage", began)
    world.server.resume()
    world.troubled = False


async def _bad_network(world: World) -> None:
    """Lose answers of Redis after their effect, and end connections."""
    world.troubled = True
    began = time.monotonic()
    for proxy in world.proxies:
        proxy.spoil(0.03, 0, world.chance)
    await pass_time(NETWORK)
    for proxy in world.proxies:
        proxy.heal()
    world.fault("network", began)
    world.troubled = False


async def _drain(world: World, operator: Operator) -> None:
    """Wait until nothing runs or can run; then cancel what waits for what will not be finished."""
    with suppress(TimeoutError):  # what has not ended then is a violation of its own
        await eventually(lambda: _rests(world), DRAIN)
        found = await world.statuses()
        for name in [name for name, status in found.items() if status == "blocked"]:
            needed = {found[need] for need in world.needs[name]}
            assert needed != {"FINISHED"}, f"{name} waits for nothing"
            await operator.act("cancel", name)


async def _rests(world: World) -> bool:
    return not MOVING & {*(await world.statuses()).values()}


async def _judge(world: World) -> Summary:
    final = await world.statuses()
    end = {"activated": world.activated, "final": final, "read_at": time.monotonic()}
    options = replace(OPTIONS, attempt_timeouts=world.timeouts, needs=world.needs, **end)
    summary = check_history(world.calls, world.faults, options)
    undone = {c.instance for c in world.calls if c.op == "cancel"}
    undone |= {f"{c.pipeline}/" for c in world.calls if c.op == "delete"}
    doubts = [d for d in world.doubts if not d[0].startswith(tuple(undone))]
    assert not doubts, f"a repeated poll got something else: {doubts}"
    await eventually(lambda: not _cursors(world))
    check_data(world.server, ended=False)
    broken = [replica.coordinator.metrics.timers_broken for replica in world.fleet.replicas]
    assert not any(broken), "a timer could not be applied"
    return summary


def _cursors(world: World) -> int:
    """How many timers are left: only clean-up can be, and it ends."""
    with world.fleet.client() as client:
        return int(client.zcard("coord:1:{0}:timers"))
