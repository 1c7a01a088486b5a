"""One step of due work is bounded, however much hangs together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from schedules import DAY, every, hours_ago, on
from seeds import Bench, component

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.timeout(120)
MINUTES, DAYS = "cron/Minutes", "cron/Days"
MOST_COMMANDS = 40_000  # about as many as 50 dependents with 200 dependencies each cost


def commands(client: redis.Redis) -> int:
    """Return how many commands the server has carried out, in scripts too."""
    return sum(row["calls"] for row in client.info("commandstats").values())


async def most_in_a_step(bench: Bench) -> int:
    """Run due work step by step; return the most commands that one took."""
    most, more = 0, 1
    with bench.server.primaries()[0].client() as client:
        while more:
            before = commands(client)
            more = (await bench.due(1)).more
            most = max(most, commands(client) - before)
    return most


@pytest.mark.parametrize("again", [False, True])
async def test_many_that_await_many(bench: Bench, again: bool) -> None:
    """Thirty daily instances that wait for 1,440 minutes each are made, or restarted, by and by."""
    start, count = hours_ago(0.5), 30
    parts = [on(MINUTES, "M"), *(on(DAYS, f"D{i}", needs=[0]) for i in range(count))]
    schedules = [
        every(60, MINUTES, start_ms=start, window=1),
        every(DAY, DAYS, start_ms=start, offset=1, count=count, window=1),
    ]
    pipeline = await bench.create()
    version = await bench.stage(pipeline, parts, 0, schedules)
    await bench.activate(pipeline, version)
    if again:
        await bench.settle()
        await bench.deactivate(pipeline)
        await bench.settle()
        await bench.activate(pipeline)
    assert await most_in_a_step(bench) < MOST_COMMANDS
    assert await bench.tally(pipeline) == {"blocked": count, "ready": 1}


@pytest.mark.parametrize("word", ["fail", "cancel", "mark", "rerun"])
async def test_many_preconditions(bench: Bench, word: str) -> None:
    """Twenty activities with a hundred preconditions each end by and by."""
    parts = [component("Root", "r", cascade=True, maximum_retries=0)]
    for number in range(20):
        first = len(parts)
        checks = tuple(range(first, first + 100))
        parts += [component(f"P{number}_{i}", "p", precondition=True, cascade=True) for i in checks]
        parts.append(component(f"A{number}", needs=(0, *checks), cascade=True, checks=checks))
    pipeline = await bench.start(parts)
    await bench.settle()
    activities = [name for name in await bench.ids(pipeline) if name.startswith("@A")]
    with bench.server.primaries()[0].client() as client:
        before = commands(client)
        if word == "fail":
            await bench.finish(await bench.claim("r"), "FAILED")
            assert await most_in_a_step(bench) < MOST_COMMANDS
        elif word == "rerun":
            await bench.finish(await bench.claim("r"), "FAILED")
            await bench.settle()
            await bench.rerun(pipeline, *activities)
        else:
            assert await (bench.cancel if word == "cancel" else bench.mark)(
                pipeline, *activities
            ) == len(activities)
        assert commands(client) > before
    await bench.settle()
