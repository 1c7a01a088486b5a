"""Running instances again, alone and with what depends on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from seeds import ACCOUNT, Bench, component
from waiting import eventually

from coordinator.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.domain.components import Component

MANY = 1000


def fan(count: int) -> list[Component]:
    """A root, and `count` components that wait for it."""
    return [component("Root"), *(component(f"Leaf{i}", needs=[0]) for i in range(count))]


async def _start(bench: Bench, parts: Sequence[Component]) -> str:
    pipeline = await bench.start(parts)
    await bench.settle()
    return pipeline


async def test_rerun_of_a_failed_one_releases_when_it_finishes(bench: Bench) -> None:
    """A failed instance that is run again has its retries back, and releases its dependents."""
    parts = [component("A", maximum_retries=1), component("B", needs=[0])]
    pipeline = await _start(bench, parts)
    for _ in range(2):
        await bench.finish(await bench.claim(), "FAILED", ("E", "m", "s"))
    [first, _] = await bench.ids(pipeline)
    assert await bench.rerun(pipeline, first) == 1
    bench.check()
    await bench.settle()
    assert await bench.finish(await bench.claim(), "FAILED") == "retried"
    task = await bench.claim()
    assert task.attempt == 4
    await bench.finish(task)
    assert await bench.rows(pipeline) == {"A": "FINISHED", "B": "ready"}
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(first, 0)])
    assert row is not None
    assert not row.instance.keys() & {"error_id", "error_message", "stack_trace"}


async def test_rerun_of_a_finished_parent_blocks_the_child_again(bench: Bench) -> None:
    """A child that still waits for another parent waits for the one that runs again, too."""
    parts = [component("A"), component("B"), component("C", needs=[0, 1])]
    pipeline = await _start(bench, parts)
    ids = await bench.ids(pipeline)
    await bench.finish(await bench.claim())
    await bench.rerun(pipeline, ids[0])
    bench.check()
    await bench.settle()
    first, second = await bench.claim(), await bench.claim()
    await bench.finish(second)
    assert (await bench.rows(pipeline))["C"] == "blocked"
    await bench.finish(first)
    assert (await bench.rows(pipeline))["C"] == "ready"


async def test_rerun_during_a_fan_out(bench: Bench) -> None:
    """A parent that runs again before its cursor has passed: what is still blocked waits for it."""
    pipeline = await _start(bench, fan(500))
    await bench.finish(await bench.claim())
    [root, *_] = await bench.ids(pipeline)
    await bench.rerun(pipeline, root)
    bench.check()
    await bench.settle()
    counts = await bench.timers().counts(0)
    assert (counts.ready, counts.blocked) == (51, 450)
    task = await bench.claim()
    assert task.n == 1
    await bench.finish(task)
    await bench.settle()
    assert (await bench.timers().counts(0)).blocked == 0


async def test_rerun_tells_the_first_dependents_again(bench: Bench) -> None:
    """A parent with a long list of dependents that runs again blocks those at its start, too."""
    parts = [*fan(250), component("Other", group="other")]
    parts[1] = component("Leaf0", needs=[0, 251])
    pipeline = await _start(bench, parts)
    await bench.finish(await bench.claim())
    await bench.settle()
    await bench.rerun(pipeline, (await bench.ids(pipeline))[0])
    await bench.settle()
    await bench.finish(await bench.claim("other"))
    assert (await bench.rows(pipeline))["Leaf0"] == "blocked"
    task = await bench.claim()
    assert task.component == "Root"
    await bench.finish(task)
    assert (await bench.rows(pipeline))["Leaf0"] == "ready"


async def test_rerun_of_a_whole_chain(bench: Bench) -> None:
    """Instances that are run again together run in their order again."""
    parts = [component("A"), component("B", needs=[0]), component("C", needs=[1])]
    pipeline = await _start(bench, parts)
    for _ in range(2):
        for expected in "ABC":
            task = await bench.claim()
            assert task.component == expected
            await bench.finish(task)
            await bench.settle()
        assert set((await bench.rows(pipeline)).values()) == {"FINISHED"}
        assert await bench.rerun(pipeline, *reversed(await bench.ids(pipeline))) == 3
        bench.check()
    assert await bench.rows(pipeline) == {"A": "ready", "B": "blocked", "C": "blocked"}


async def test_rerun_of_what_nobody_waits_for_leaves_no_timer(bench: Bench) -> None:
    """Instances without dependents are run again without a fan-out."""
    pipeline = await bench.start(5)
    for _ in range(5):
        await bench.finish(await bench.claim())
    await bench.rerun(pipeline, *await bench.ids(pipeline))
    assert (await bench.timers().counts(0)).timers == 0


async def test_rerun_of_canceled(bench: Bench) -> None:
    """Canceled instances run again: as a new attempt if one had begun, else as the same."""
    pipeline = await bench.start(2)
    held = await bench.claim()
    ids = await bench.ids(pipeline)
    await bench.cancel(pipeline, *ids)
    assert await bench.rerun(pipeline, *ids) == 2
    assert [(await bench.claim()).attempt for _ in range(2)] == [2, 1]
    assert await bench.report(held) == "canceled"


async def test_rerun_forgets_the_deadline_that_was_missed(bench: Bench) -> None:
    """The hand-out after a rerun is no late hand-out of a lease that was lost before it."""
    pipeline = await bench.start()
    await bench.claim(ack_ms=1)

    async def lost() -> bool:
        return (await bench.due()).lost_unacknowledged == 1

    await eventually(lost)
    ids = await bench.ids(pipeline)
    await bench.cancel(pipeline, *ids)
    await bench.rerun(pipeline, *ids)
    assert (await bench.claim()).lag_ms == -1


async def test_rerun_of_instances_that_need_very_many(bench: Bench) -> None:
    """A rerun looks at a bounded number of dependencies in a call; all instances run again."""
    parents, children = 80, 150
    parts = [component(f"Parent{i}") for i in range(parents)]
    parts += [component(f"Child{i}", needs=list(range(parents))) for i in range(children)]
    pipeline = await bench.start(parts)
    await bench.settle()
    wanted = [name for name in await bench.ids(pipeline) if name.startswith("@Child")]
    assert await bench.cancel(pipeline, *wanted) == children
    assert await bench.rerun(pipeline, *wanted) == children
    assert (await bench.timers().counts(0)).blocked == children


async def test_rerun_that_stopped_half_way_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rerun whose replica died between two calls runs nothing twice when it is sent again."""
    parents, children = 80, 150
    parts = [component(f"Parent{i}") for i in range(parents)]
    parts += [component(f"Child{i}", needs=list(range(parents))) for i in range(children)]
    pipeline = await bench.start(parts)
    await bench.settle()
    wanted = [name for name in await bench.ids(pipeline) if name.startswith("@Child")]
    await bench.cancel(pipeline, *wanted)
    call, calls = bench.scripts.call, []

    async def die(name: str, *args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        if len(calls) > 1:
            raise UnavailableError
        return await call(name, *args, **kwargs)

    monkeypatch.setattr(bench.scripts, "call", die)
    with pytest.raises(UnavailableError):
        await bench.rerun(pipeline, *wanted, answer="key")
    monkeypatch.undo()
    counts = await bench.timers().counts(0)
    assert 0 < counts.blocked < children
    assert await bench.cancel(pipeline, wanted[0]) == 1
    assert await bench.rerun(pipeline, *wanted, answer="key") == children - counts.blocked
    assert (await bench.rows(pipeline))["Child0"] == "CANCELED"
