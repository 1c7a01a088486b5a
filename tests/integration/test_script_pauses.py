"""Pausing and resuming components."""

from __future__ import annotations

import pytest
from seeds import ACCOUNT, Bench, component, components

MANY = 450


async def start_many(bench: Bench) -> tuple[str, list[str]]:
    """Start 450 components, and pause all but the last; return the pipeline and their names."""
    parts = components(MANY)
    pipeline = await bench.start(parts)
    await bench.settle()
    names = [part.id for part in parts]
    for first in range(0, MANY - 1, 200):
        wanted = names[first : min(first + 200, MANY - 1)]
        assert await bench.pause(pipeline, *wanted) == len(wanted)
    return pipeline, names


async def test_nothing_of_a_paused_component_is_handed_out(bench: Bench) -> None:
    """A pause is obeyed by the next claim; other components of the pipeline go on."""
    pipeline = await bench.start([component("A"), component("B")])
    assert await bench.pause(pipeline, "A") == 1
    bench.check()
    assert (await bench.claim()).component == "B"
    assert await bench.poll() is None
    bench.check()
    assert await bench.rows(pipeline) == {"A": "ready", "B": "leased"}
    assert await bench.resume(pipeline, "A") == 1
    await bench.settle()
    assert (await bench.claim()).component == "A"


async def test_what_runs_goes_on(bench: Bench) -> None:
    """A task of a paused component that is held is reported and finished; its retry waits."""
    pipeline = await bench.start([component("A"), component("B", needs=[0])])
    task = await bench.claim()
    await bench.pause(pipeline, "A", "B")
    assert await bench.report(task) == "acknowledged"
    assert await bench.finish(task, "FAILED") == "retried"
    assert await bench.poll() is None
    await bench.resume(pipeline, "A")
    await bench.settle()
    await bench.finish(await bench.claim())
    assert await bench.rows(pipeline) == {"A": "FINISHED", "B": "ready"}
    assert await bench.poll() is None


async def test_both_tell_how_many_changed(bench: Bench) -> None:
    """Pausing what is paused and resuming what is not change nothing, and say so."""
    pipeline = await bench.start([component("A"), component("B")])
    assert await bench.pause(pipeline, "A") == 1
    assert await bench.pause(pipeline, "A", "B") == 1
    assert await bench.pipelines.paused(ACCOUNT, pipeline) == {"A", "B"}
    assert (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline["paused"] == "2"
    assert await bench.resume(pipeline, "B") == 1
    assert (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline["paused"] == "1"
    assert await bench.resume(pipeline, "A", "B") == 1
    assert await bench.pipelines.paused(ACCOUNT, pipeline) == set()
    assert "paused" not in (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline


async def test_many_are_put_aside_by_one_poll(bench: Bench) -> None:
    """A poll passes over hundreds of paused tasks to the one behind them; none is lost."""
    pipeline, names = await start_many(bench)
    assert (await bench.claim()).component == names[-1]
    bench.check()
    assert await bench.poll() is None
    assert await bench.tally(pipeline) == {"ready": MANY - 1, "leased": 1}


async def test_many_come_back_in_their_order(bench: Bench) -> None:
    """What comes back from a pause goes before what is younger, oldest first."""
    pipeline = await bench.start(components(3))
    await bench.pause(pipeline, "Work0", "Work1")
    assert (await bench.claim()).component == "Work2"
    await bench.activate(pipeline)
    await bench.resume(pipeline, "Work0", "Work1")
    await bench.settle()
    claimed = [(await bench.claim()).component for _ in range(5)]
    assert claimed == ["Work0", "Work1", "Work0", "Work1", "Work2"]


async def test_450_of_one_component(bench: Bench) -> None:
    """Resuming a component with very many tasks goes by cursor; what is back is handed out."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(1))
    for _ in range(MANY):
        await bench.activate(pipeline, version)
    await bench.pause(pipeline, "Work0")
    assert await bench.poll() is None
    await bench.resume(pipeline, "Work0")
    assert await bench.poll() is None
    claimed = []
    async for _ in bench.steps():
        claimed.append((await bench.claim()).n)
        bench.check()
    while task := await bench.poll():
        claimed.append(task.n)
    assert claimed == list(range(1, MANY + 1))


async def test_paused_again_while_it_is_resumed(bench: Bench) -> None:
    """A pause in the middle of a resume is obeyed at once, and keeps all that is aside."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(1))
    for _ in range(MANY):
        await bench.activate(pipeline, version)
    await bench.pause(pipeline, "Work0")
    assert await bench.poll() is None
    await bench.resume(pipeline, "Work0")
    await bench.due(1)
    await bench.claim()
    await bench.pause(pipeline, "Work0")
    bench.check()
    assert await bench.poll() is None
    async for _ in bench.steps():
        assert await bench.poll() is None
    assert await bench.tally(pipeline) == {"ready": MANY - 1, "leased": 1}
    await bench.resume(pipeline, "Work0")
    await bench.settle()
    assert len({(await bench.claim()).n for _ in range(MANY - 1)}) == MANY - 1


@pytest.mark.parametrize("change", ["cancel", "mark"])
async def test_what_is_aside_can_end(bench: Bench, change: str) -> None:
    """Tasks that were put aside are canceled or marked like others, and do not come back."""
    pipeline = await bench.start([component("A"), component("B", needs=[0])])
    await bench.pause(pipeline, "A")
    assert await bench.poll() is None
    first = (await bench.ids(pipeline))[0]
    assert await getattr(bench, change)(pipeline, first) == 1
    bench.check()
    await bench.resume(pipeline, "A")
    await bench.settle()
    task = await bench.poll()
    assert (task.component if task else "") == ("B" if change == "mark" else "")


async def test_other_pipelines_are_served(bench: Bench) -> None:
    """A paused component holds up nobody else's tasks in its worker group."""
    paused = await bench.start(components(3))
    await bench.pause(paused, *(f"Work{i}" for i in range(3)))
    await bench.start(1)
    assert (await bench.claim()).pipeline_id != paused


@pytest.mark.parametrize("done_first", ["pause", "resume"])
async def test_repeats(bench: Bench, done_first: str) -> None:
    """The same call again, by its answer key, changes nothing, whatever was done since."""
    pipeline = await bench.start(1)
    other = {"pause": bench.resume, "resume": bench.pause}[done_first]
    call = getattr(bench, done_first)
    if done_first == "resume":
        await bench.pause(pipeline, "Work0")
    assert await call(pipeline, "Work0", answer="key") == 1
    await other(pipeline, "Work0")
    before = bench.dump()
    assert await call(pipeline, "Work0", answer="key") == 0
    assert bench.dump() == before


async def test_deletion_in_the_middle_of_a_resume(bench: Bench) -> None:
    """A pipeline that is deleted while its tasks come back leaves nothing but its tombstone."""
    pipeline = await bench.create()
    version = await bench.stage(pipeline, components(2))
    for _ in range(MANY):
        await bench.activate(pipeline, version)
    await bench.pause(pipeline, "Work0", "Work1")
    assert await bench.poll() is None
    await bench.resume(pipeline, "Work0")
    await bench.due(1)
    await bench.delete(pipeline)
    async for _ in bench.steps():
        pass
    assert [key for key in bench.dump() if pipeline in key] == [
        f"coord:1:{{0}}:pipeline:{ACCOUNT}:{pipeline}"
    ]
