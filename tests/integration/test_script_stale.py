"""Leases whose holders are silent for long: counted, and not taken for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from seeds import ACCOUNT, LONG_MS
from waiting import eventually

from coordinator.store.tasks import Tasks

if TYPE_CHECKING:
    from seeds import Bench

    from coordinator.store.tasks import Claimed

STALE_MS = 60
META = "coord:1:{0}:meta"


async def stale(bench: Bench, shard: int = 0) -> int:
    """Apply what is due, and return how many leases are stale."""
    await bench.due()
    return (await bench.timers().counts(shard)).stale


async def silent(bench: Bench, timeout_ms: int = LONG_MS) -> Claimed:
    """Let a holder report once, and be silent until its lease is stale."""
    bench.tasks = Tasks(bench.scripts, STALE_MS)
    await bench.start()
    task = await bench.claim()
    await bench.report(task, timeout_ms=timeout_ms)

    async def marked() -> bool:
        return await stale(bench) == 1

    await eventually(marked)
    bench.check()
    return task


async def deadline(bench: Bench, task: Claimed) -> int:
    """When the lease may be taken, ms after it was last renewed."""
    [row] = await bench.pipelines.instances(ACCOUNT, task.pipeline_id, [(task.instance_id, 0)])
    assert row is not None
    return int(row.instance["deadline_ms"]) - int(row.instance["renewed_ms"])


async def test_a_report_ends_it(bench: Bench) -> None:
    """And the next silence begins anew; the deadline was never another one."""
    task = await silent(bench)
    assert await deadline(bench, task) == LONG_MS
    bench.tasks = Tasks(bench.scripts)
    assert await bench.report(task, timeout_ms=700_000) == "accepted"
    assert await stale(bench) == 0
    assert await deadline(bench, task) == 700_000
    bench.tasks = Tasks(bench.scripts, STALE_MS)
    assert await bench.report(task) == "accepted"

    async def again() -> bool:
        return await stale(bench) == 1

    await eventually(again)


async def test_it_is_lost_at_its_deadline(bench: Bench) -> None:
    """Not before, and it is stale no more; what comes next has not been silent."""
    task = await silent(bench, timeout_ms=STALE_MS + 2000)

    async def lost() -> bool:
        return bool((await bench.due()).lost_silent)

    await eventually(lost)
    assert await stale(bench) == 0
    assert await bench.report(task) == "superseded"
    await bench.claim()
    assert await stale(bench) == 0


@pytest.mark.parametrize("end", ["finish", "fail", "delete", "deactivate"])
async def test_the_end_of_the_task_ends_it(bench: Bench, end: str) -> None:
    """Whatever that is."""
    task = await silent(bench)
    if end == "delete":
        await bench.delete(task.pipeline_id)
    elif end == "deactivate":
        await bench.deactivate(task.pipeline_id)
    else:
        await bench.finish(task, "FINISHED" if end == "finish" else "FAILED")
    assert await stale(bench) == 0


async def test_short_leases_are_never_stale(bench: Bench) -> None:
    """Those that end first, and those that were not acknowledged, which end soon by themselves."""
    bench.tasks = Tasks(bench.scripts, STALE_MS)
    await bench.start(2)
    await bench.claim(ack_ms=10 * STALE_MS)
    task = await bench.claim()
    await bench.report(task, timeout_ms=STALE_MS - 10)

    async def lost() -> bool:
        assert await stale(bench) == 0
        return (await bench.timers().counts(0)).leased == 0

    await eventually(lost)


async def test_an_outage_does_not_shorten_a_stale_lease(bench: Bench) -> None:
    """Its grace is for those whose deadline has passed."""
    bench.tasks = Tasks(bench.scripts, STALE_MS)
    await bench.start()
    task = await bench.claim()
    await bench.report(task)
    await bench.due()
    long_ago = int(await bench.router.execute(META, "HGET", META, "last_run_ms")) - 60_000

    async def marked() -> bool:
        await bench.router.execute(META, "HSET", META, "last_run_ms", long_ago)
        return await stale(bench) == 1

    await eventually(marked)
    assert await deadline(bench, task) == LONG_MS
