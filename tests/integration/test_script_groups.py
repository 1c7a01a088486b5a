"""Reports and results of callers that may work for some worker groups only."""

from __future__ import annotations

import random

import pytest
from seeds import ACCOUNT, LONG_MS, NO_ERROR, Bench, component, handle_of

from coordinator.domain.credentials import matches
from coordinator.errors import ForeignGroupError

GROUP = "etl-big"
LETTERS = "ab*"


async def report(bench: Bench, task, *globs: str) -> str:
    """Report as somebody with these globs."""
    verdict, _ = await bench.tasks.report(ACCOUNT, handle_of(task), LONG_MS, (), globs)
    return verdict


async def finish(bench: Bench, task, *globs: str) -> str:
    """Set a result as somebody with these globs."""
    return await bench.tasks.finish(ACCOUNT, handle_of(task), "FINISHED", NO_ERROR, globs)


async def test_a_task_of_another_group_is_left_alone(bench: Bench) -> None:
    """Neither a report nor a result of it is taken, and nothing is changed."""
    await bench.start([component(group=GROUP)])
    task = await bench.claim(GROUP)
    before = bench.dump()
    for call in (report, finish):
        with pytest.raises(ForeignGroupError):
            await call(bench, task, "etl", "etl-big-*", "*-bi")
    assert bench.dump() == before
    assert await report(bench, task, "x", "etl-*") == "acknowledged"
    assert await finish(bench, task, GROUP) == "finished"


async def test_what_is_over_is_not_told_to_others_either(bench: Bench) -> None:
    """Whether the task has ended or its pipeline was deleted."""
    pipeline = await bench.start([component(group=GROUP), component("Other", GROUP)])
    task, running = await bench.claim(GROUP), await bench.claim(GROUP)
    assert await finish(bench, task) == "finished"
    await bench.delete(pipeline)
    for call in (report, finish):
        for each in (task, running):
            with pytest.raises(ForeignGroupError):
                await call(bench, each, "others")


async def test_the_scripts_match_as_the_service_does(bench: Bench) -> None:
    """The globs of the two languages are the same."""
    chance = random.Random(7)  # noqa: S311 - the same each time
    await bench.start([component(group="abbaab")])
    task = await bench.claim("abbaab")
    for _ in range(300):
        globs = ["".join(chance.choices(LETTERS, k=chance.randint(1, 7))) for _ in range(2)]
        try:
            await report(bench, task, *globs)
        except ForeignGroupError:
            taken = False
        else:
            taken = True
        assert taken == any(matches(glob, "abbaab") for glob in globs), globs
