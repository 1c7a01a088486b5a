"""Reruns of what has failed with something else, and reruns that propagate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cascades import CASCADED, FAILED, cascading, chain, diamond, settled
from seeds import Bench, component, components

if TYPE_CHECKING:
    from coordinator.domain.components import Component


async def failed_at_first(bench: Bench, parts: list[Component]) -> tuple[str, list[str]]:
    """Start these, and fail the first, with all that follows; return pipeline and ids."""
    pipeline = await bench.start(parts)
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    return pipeline, await bench.ids(pipeline)


async def run_all(bench: Bench, pipeline: str) -> list[str]:
    """Finish every task that can be had; return their components in that order."""
    done = []
    while task := await bench.poll():
        await bench.finish(task)
        await settled(bench, pipeline)
        done.append(task.component)
    return done


async def test_rerun_propagates_down_a_chain(bench: Bench) -> None:
    """A rerun of what failed first runs again all that failed with it, in its order."""
    pipeline, [a, *_] = await failed_at_first(bench, chain(True, True, True))
    assert await bench.rerun(pipeline, a) == 1
    bench.check()
    assert await settled(bench, pipeline) == {"A": "ready", "B": "blocked", "C": "blocked"}
    assert await run_all(bench, pipeline) == ["A", "B", "C"]


async def test_rerun_propagates_round_a_diamond(bench: Bench) -> None:
    """An instance is run again with both that it needs, though each alone could not bring it."""
    pipeline, [a, *_] = await failed_at_first(bench, diamond())
    await bench.rerun(pipeline, a)
    rows = await settled(bench, pipeline)
    assert rows == {"A": "ready", "B": "blocked", "C": "blocked", "D": "blocked"}
    assert await run_all(bench, pipeline) == ["A", "B", "C", "D"]


@pytest.mark.parametrize("dependents", [1, 300])
async def test_finished_before_the_rerun_has_spread(bench: Bench, dependents: int) -> None:
    """An instance that finishes before its rerun has reached all brings the others back, too."""
    parts = [cascading("A"), *components(dependents, group="other", needs=[0])]
    pipeline, [a, *_] = await failed_at_first(bench, parts)
    await bench.rerun(pipeline, a)
    if dependents > 200:
        await bench.due(1)
    await bench.finish(await bench.claim())
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"FINISHED": 1, "ready": dependents}


async def test_rerun_does_not_propagate_where_the_mode_is_none(bench: Bench) -> None:
    """What failed with something else stays so when an instance that does not cascade reruns."""
    pipeline, [a, b, _] = await failed_at_first(bench, chain(True, False, True))
    await bench.rerun(pipeline, a)
    assert await settled(bench, pipeline) == {"A": "ready", "B": "blocked", "C": "blocked"}
    await bench.cancel(pipeline, a)
    await bench.settle()
    other = await bench.start([*chain(False), cascading("B"), component("C", needs=[0, 1])])
    for status in ("FINISHED", FAILED):
        await bench.finish(await bench.claim(), status)
    await bench.settle()
    await bench.rerun(other, (await bench.ids(other))[0])
    assert await settled(bench, other) == {"A": "ready", "B": FAILED, "C": CASCADED}
    assert (await bench.rows(pipeline))["B"] == CASCADED
    assert b in await bench.ids(pipeline)


async def test_fails_before_its_rerun_has_spread(bench: Bench) -> None:
    """An instance of mode none that fails again is waited for, though a cursor was on its way."""
    pipeline, [a, *_] = await failed_at_first(bench, chain(False, True))
    await bench.rerun(pipeline, a)
    await bench.finish(await bench.claim(), FAILED)
    assert await settled(bench, pipeline) == {"A": FAILED, "B": "blocked"}


async def test_only_what_failed_with_another_is_run_again(bench: Bench) -> None:
    """Dependents that failed, finished or were canceled by themselves are left as they are."""
    parts = [cascading("A"), *(component(name, needs=[0]) for name in ("B", "C", "D"))]
    pipeline = await bench.start(parts)
    [a, b, c, _] = await bench.ids(pipeline)
    await bench.mark(pipeline, b)
    await bench.cancel(pipeline, c)
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    await bench.rerun(pipeline, a)
    rows = await settled(bench, pipeline)
    assert rows == {"A": "ready", "B": "FINISHED", "C": "CANCELED", "D": "blocked"}


async def test_not_while_another_dependency_has_failed(bench: Bench) -> None:
    """A consumer comes back only with the last of what it needs that had failed."""
    parts = [cascading("A"), cascading("B"), component("C", needs=[0, 1])]
    pipeline = await bench.start(parts)
    for _ in range(2):
        await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    [a, b, _] = await bench.ids(pipeline)
    await bench.rerun(pipeline, a)
    assert await settled(bench, pipeline) == {"A": "ready", "B": FAILED, "C": CASCADED}
    await bench.finish(await bench.claim())
    assert (await settled(bench, pipeline))["C"] == CASCADED
    await bench.rerun(pipeline, b)
    assert (await settled(bench, pipeline))["C"] == "blocked"
    assert await run_all(bench, pipeline) == ["B", "C"]


async def test_hopeless_rerun(bench: Bench) -> None:
    """What would only fail again with what it needs is not run again, and nothing else is."""
    pipeline, [_, b, c] = await failed_at_first(bench, chain(True, True, True))
    rows = await bench.rows(pipeline)
    assert await bench.rerun(pipeline, c) == 0
    assert await bench.rerun(pipeline, b) == 0
    assert await settled(bench, pipeline) == rows
    assert await bench.rerun(pipeline, c, b) <= 1
    assert await settled(bench, pipeline) == rows


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [2, 0, 1]])
async def test_rerun_of_a_whole_chain_at_once(bench: Bench, order: list[int]) -> None:
    """Instances that are run again together are not hopeless, in whichever order they are named."""
    pipeline, ids = await failed_at_first(bench, chain(True, True, True))
    assert await bench.rerun(pipeline, *(ids[i] for i in order)) == 3
    bench.check()
    assert await run_all(bench, pipeline) == ["A", "B", "C"]


async def test_rerun_that_stopped_before_what_it_needs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rerun whose second half never comes leaves nobody waiting for what nobody runs."""
    parts = [component(f"Parent{i}") for i in range(80)]
    parts += [component(f"Child{i}", group="child", needs=list(range(80))) for i in range(130)]
    pipeline = await bench.start(parts)
    while task := await bench.poll():
        await bench.finish(task)
    await bench.settle()
    ids = await bench.ids(pipeline)
    await bench.cancel(pipeline, *ids[80:])
    await first_call_only(bench, monkeypatch, pipeline, *ids[80:], *ids[:70])
    await bench.settle(1)
    tally = await bench.tally(pipeline)
    assert (tally["FINISHED"], tally["ready"]) == (80, 130 - tally["CANCELED"])
    assert 0 < tally["CANCELED"] < 130


async def first_call_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, pipeline: str, *ids: str
) -> None:
    """Send the first call of a rerun that takes several."""
    call, calls = bench.scripts.call, []

    async def die(name: str, *args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        if len(calls) > 1:
            raise TimeoutError
        return await call(name, *args, **kwargs)

    monkeypatch.setattr(bench.scripts, "call", die)
    with pytest.raises(TimeoutError):
        await bench.rerun(pipeline, *ids)
    monkeypatch.undo()


async def test_one_that_is_run_again_learns_what_was_left(bench: Bench) -> None:
    """Named before what it needs, which would only fail again, it fails with that again."""
    pipeline = await bench.start([cascading("A"), cascading("B", [0]), cascading("C", [1])])
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    _, b, c = await bench.ids(pipeline)
    assert await bench.rerun(pipeline, c, b) == 1
    bench.check()
    await bench.settle()
    assert (await bench.rows(pipeline))["C"] == "CASCADE_FAILED"
