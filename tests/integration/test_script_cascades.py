"""Cascades: what waits for an instance fails with it, and is run again with it."""

from __future__ import annotations

import pytest
from cascades import CASCADED, FAILED, cascading, chain, diamond, settled
from seeds import ACCOUNT, Bench, component, components
from waiting import eventually


async def record_of(bench: Bench, pipeline: str, component_id: str) -> dict[str, str]:
    """Return the record of a component's instance."""
    [name] = [i for i in await bench.ids(pipeline) if i.startswith(f"@{component_id}_")]
    [row] = await bench.pipelines.instances(ACCOUNT, pipeline, [(name, 0)])
    assert row is not None
    return row.instance


async def test_chain(bench: Bench) -> None:
    """A failure runs down a chain; each instance says what it failed with, up to the first."""
    pipeline = await bench.start(chain(True, True, True))
    assert await bench.finish(await bench.claim(), FAILED) == "failed"
    bench.check()
    rows = await settled(bench, pipeline)
    assert rows == {"A": FAILED, "B": CASCADED, "C": CASCADED}
    [a, b, _] = await bench.ids(pipeline)
    assert (await record_of(bench, pipeline, "B"))["cascade_failed_on"] == a
    assert (await record_of(bench, pipeline, "C"))["cascade_failed_on"] == f"{b} <- {a}"
    assert "cascade_failed_on" not in await record_of(bench, pipeline, "A")


async def test_where_the_mode_is_none_the_failure_ends(bench: Bench) -> None:
    """What waits for an instance that does not cascade goes on waiting, however that failed."""
    pipeline = await bench.start(chain(True, False, True))
    await bench.finish(await bench.claim(), FAILED)
    rows = await settled(bench, pipeline)
    assert rows == {"A": FAILED, "B": CASCADED, "C": "blocked"}


async def test_diamond(bench: Bench) -> None:
    """An instance fails with one of two that it needs; the other goes on, what has ended stays."""
    pipeline = await bench.start(diamond())
    await bench.finish(await bench.claim())
    await bench.finish(await bench.claim(), FAILED)
    rows = await settled(bench, pipeline)
    assert rows == {"A": "FINISHED", "B": FAILED, "C": "ready", "D": CASCADED}
    await bench.finish(await bench.claim())
    assert (await settled(bench, pipeline))["D"] == CASCADED


async def test_retries_come_first(bench: Bench) -> None:
    """Nothing cascades before the retries are used up."""
    pipeline = await bench.start([cascading("A", maximum_retries=1), component("B", needs=[0])])
    assert await bench.finish(await bench.claim(), FAILED) == "retried"
    assert (await settled(bench, pipeline))["B"] == "blocked"
    assert await bench.finish(await bench.claim(), FAILED) == "failed"
    assert (await settled(bench, pipeline))["B"] == CASCADED


async def test_cancel_cascades(bench: Bench) -> None:
    """What is canceled by hand takes down what waits for it."""
    pipeline = await bench.start(chain(True, True, True))
    held = await bench.claim()
    await bench.cancel(pipeline, (await bench.ids(pipeline))[0])
    rows = await settled(bench, pipeline)
    assert rows == {"A": "CANCELED", "B": CASCADED, "C": CASCADED}
    assert await bench.finish(held) == "canceled"
    assert await bench.rows(pipeline) == rows


@pytest.mark.parametrize("acknowledged", [True, False])
async def test_lost_leases_cascade(bench: Bench, acknowledged: bool) -> None:
    """An instance that fails because its leases were lost too often takes others down with it."""
    pipeline = await bench.start(chain(True, True))

    async def failed() -> bool:
        if (task := await bench.poll(ack_ms=1)) and acknowledged:
            await bench.report(task, timeout_ms=1)
        return (await bench.due(1)).failed == 1

    await eventually(failed)
    bench.check()
    assert await settled(bench, pipeline) == {"A": FAILED, "B": CASCADED}


async def test_timeouts_cascade(bench: Bench) -> None:
    """An instance that is over its attemptTimeout takes others down with it."""
    pipeline = await bench.start([cascading("A", attempt_timeout_ms=1), component("B", needs=[0])])
    await bench.report(await bench.claim())

    async def failed() -> bool:
        return (await bench.due(1)).failed == 1

    await eventually(failed)
    assert await settled(bench, pipeline) == {"A": FAILED, "B": CASCADED}


async def test_many_dependents_by_cursor(bench: Bench) -> None:
    """Three hundred dependents fail by cursor; each step keeps every invariant."""
    parts = [cascading("A"), *components(300, needs=[0])]
    pipeline = await bench.start(parts)
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    assert await bench.tally(pipeline) == {FAILED: 1, "blocked": 300}
    await bench.due(1)
    bench.check()
    assert await bench.tally(pipeline) == {FAILED: 1, CASCADED: 50, "blocked": 250}
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {FAILED: 1, CASCADED: 300}


async def test_rerun_interrupts_a_cascade(bench: Bench) -> None:
    """A rerun while the cascade is half way: all wait for it again, none is left behind."""
    parts = [cascading("A"), *components(300, needs=[0])]
    pipeline = await bench.start(parts)
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    await bench.due(1)
    await bench.rerun(pipeline, (await bench.ids(pipeline))[0])
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"ready": 1, "blocked": 300}


async def test_fails_again_while_the_rerun_spreads(bench: Bench) -> None:
    """An instance that fails again before all were told of its rerun takes all down again."""
    parts = [cascading("A"), *components(300, needs=[0])]
    pipeline = await bench.start(parts)
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    await bench.rerun(pipeline, (await bench.ids(pipeline))[0])
    await bench.due(1)
    assert await bench.tally(pipeline) == {"ready": 1, "blocked": 50, CASCADED: 250}
    await bench.finish(await bench.claim(), FAILED)
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {FAILED: 1, CASCADED: 300}


async def test_dependents_made_after_the_failure(bench: Bench) -> None:
    """Instances that are made when what they need has failed already fail too."""
    filling = components(250)
    late = [component("Late", needs=[0, 1]), component("Later", needs=[251])]
    late[0] = component("Late", needs=[0, 1], cascade=True)
    pipeline = await bench.start([cascading("A"), *filling, *late])
    await bench.finish(await bench.claim(), FAILED)
    bench.check()
    rows = await settled(bench, pipeline)
    assert (rows["Late"], rows["Later"]) == (CASCADED, CASCADED)


async def test_a_thousand_made_after_the_failure(bench: Bench) -> None:
    """All dependents fail, those that the cursor told and those that were made behind it."""
    pipeline = await bench.start([cascading("A"), *components(1000, needs=[0])])
    await bench.finish(await bench.claim(), FAILED)
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {FAILED: 1, CASCADED: 1000}


async def test_deletion_in_the_middle(bench: Bench) -> None:
    """A pipeline that is deleted while a cascade passes leaves nothing but its tombstone."""
    pipeline = await bench.start([cascading("A"), *components(600, needs=[0])])
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    await bench.due(1)
    await bench.delete(pipeline)
    await settled(bench, pipeline)
    assert sum(await bench.timers().counts(0)) == 0
    assert [key for key in bench.dump() if pipeline in key] == [
        f"coord:1:{{0}}:pipeline:{ACCOUNT}:{pipeline}"
    ]
