"""Dependencies: fan-out, joins and cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from seeds import Bench, component, components

from coordinator.errors import InvalidRequestError

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


async def test_fan_out_of_a_thousand(bench: Bench) -> None:
    """A thousand dependents are released by cursor, each once; the first 50 at once."""
    await _start(bench, fan(MANY))
    assert (await bench.timers().counts(0)).blocked == MANY
    await bench.finish(await bench.claim())
    assert (await bench.timers().counts(0)).ready == 50
    bench.check()
    assert await bench.settle() == 20  # nineteen steps of 50, and one that finds no more
    assert (await bench.timers().counts(0)).ready == MANY
    claimed = [(await bench.claim()).n for _ in range(MANY)]
    assert sorted(claimed) == list(range(2, MANY + 2))
    assert await bench.poll() is None


async def test_interrupted_cursor_goes_on(bench: Bench) -> None:
    """Claims, results and cancels between the steps of a fan-out disturb nothing."""
    pipeline = await _start(bench, fan(450))
    ids = await bench.ids(pipeline)
    await bench.finish(await bench.claim())
    await bench.finish(await bench.claim())
    assert await bench.cancel(pipeline, *ids[300:310]) == 10
    while (await bench.due(1)).more:
        bench.check()
        await bench.finish(await bench.claim())
    states = list((await bench.rows(pipeline)).values())
    assert states.count("CANCELED") == 10
    assert states.count("blocked") == 0


async def test_join_waits_for_all(bench: Bench) -> None:
    """An instance with several dependencies is released by the last of them."""
    parts = [*components(3), component("Join", needs=[0, 1, 2])]
    pipeline = await _start(bench, parts)
    for _ in range(3):
        assert (await bench.rows(pipeline))["Join"] == "blocked"
        await bench.finish(await bench.claim())
    assert (await bench.rows(pipeline))["Join"] == "ready"
    assert (await bench.claim()).component == "Join"


async def test_dependency_on_a_later_component(bench: Bench) -> None:
    """The order of the components does not matter for what waits for what."""
    pipeline = await _start(bench, [component("First", needs=[1]), component("Second")])
    task = await bench.claim()
    assert task.component == "Second"
    await bench.finish(task)
    assert (await bench.rows(pipeline))["First"] == "ready"


async def test_failure_releases_nothing(bench: Bench) -> None:
    """What waits for a failed instance stays blocked; a canceled one releases nothing either."""
    parts = [
        component("A", maximum_retries=0),
        component("B", needs=[0]),
        component("C", needs=[1]),
    ]
    pipeline = await _start(bench, parts)
    await bench.finish(await bench.claim(), "FAILED")
    assert await bench.rows(pipeline) == {"A": "FAILED", "B": "blocked", "C": "blocked"}
    await bench.cancel(pipeline, (await bench.ids(pipeline))[1])
    await bench.settle()
    assert await bench.rows(pipeline) == {"A": "FAILED", "B": "CANCELED", "C": "blocked"}


async def test_many_short_fan_outs_do_not_hold_up_leases(bench: Bench) -> None:
    """Two hundred fan-outs of one dependent each take a few runs, not two hundred."""
    parts = components(180)
    parts += [component(f"Leaf{i}", needs=[i, 180]) for i in range(180)]
    parts.insert(180, component("Never", group="nobody"))
    pipeline = await _start(bench, parts)
    for _ in range(180):
        await bench.finish(await bench.claim())
    await bench.rerun(pipeline, *(await bench.ids(pipeline))[:180])
    assert await bench.settle() <= 5


async def test_cancel_in_every_state(bench: Bench) -> None:
    """Cancel ends what is blocked, ready, leased or delayed, and leaves what is terminal."""
    parts = [
        *(component("Delayed", retry_delay_ms=600_000), component("Finished")),
        *(component("Leased", attempt_timeout_ms=600_000), component("Acked"), component("Ready")),
        component("Blocked", needs=[0]),
    ]
    pipeline = await _start(bench, parts)
    await bench.finish(await bench.claim(), "FAILED")
    await bench.finish(await bench.claim())
    await bench.claim()
    await bench.report(await bench.claim())
    assert list((await bench.rows(pipeline)).values()) == [
        *("delayed", "FINISHED", "leased", "leased", "ready", "blocked"),
    ]
    assert await bench.cancel(pipeline, *await bench.ids(pipeline)) == 5
    rows = await bench.rows(pipeline)
    assert rows.pop("Finished") == "FINISHED"
    assert set(rows.values()) == {"CANCELED"}
    await bench.settle()  # the blocked one is told
    assert (await bench.timers().counts(0)).timers == 0


@pytest.mark.parametrize("change", ["cancel", "rerun"])
async def test_unknown_instance_changes_nothing(bench: Bench, change: str) -> None:
    """A list that names one unknown instance is refused whole."""
    pipeline = await bench.start(2)
    await bench.finish(await bench.claim())
    before = bench.dump()
    with pytest.raises(InvalidRequestError, match="'@Nothing'"):
        await getattr(bench, change)(pipeline, *await bench.ids(pipeline), "@Nothing")
    assert bench.dump() == before


@pytest.mark.parametrize("change", ["cancel", "rerun"])
async def test_repeated_call_does_nothing(bench: Bench, change: str) -> None:
    """The same call again, by its answer key, changes nothing."""
    pipeline = await bench.start(2)
    await bench.finish(await bench.claim())
    ids = await bench.ids(pipeline)
    assert await getattr(bench, change)(pipeline, *ids, answer="key") == 1
    if change == "rerun":
        await bench.settle()
        await bench.finish(await bench.claim())
    else:
        await bench.rerun(pipeline, ids[1])
    before = bench.dump()
    assert await getattr(bench, change)(pipeline, *ids, answer="key") == 0
    assert bench.dump() == before
