"""Deactivating with everything canceled: at once for all who ask, in steps for the data."""

from __future__ import annotations

import pytest
from cascades import CASCADED, FAILED, cascading, chain, settled
from seeds import ACCOUNT, Bench, component, components
from waiting import pass_time

from coordinator.errors import InvalidRequestError, PipelineDeletedError, PipelineNotFoundError

MANY = 450


async def start_many(bench: Bench, running: int = 0) -> tuple[str, list]:
    """Start 450 instances, the last of which are claimed; return the pipeline and their tasks."""
    parts = components(MANY - running)
    parts += [component(f"Last{i}", group="last") for i in range(running)]
    pipeline = await bench.start(parts)
    await bench.settle()
    return pipeline, [await bench.claim("last") for _ in range(running)]


async def state_of(bench: Bench, pipeline: str) -> str:
    """Return the state of a pipeline."""
    return (await bench.pipelines.read(ACCOUNT, pipeline)).pipeline["state"]


async def test_all_is_canceled(bench: Bench) -> None:
    """Fifty instances are canceled at once, the others by cursor; what ended stays."""
    pipeline, _ = await start_many(bench)
    await bench.finish(await bench.claim())
    await bench.deactivate(pipeline)
    bench.check()
    assert await bench.tally(pipeline) == {"FINISHED": 1, "CANCELED": 49, "ready": MANY - 50}
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"FINISHED": 1, "CANCELED": MANY - 1}
    assert await state_of(bench, pipeline) == "INACTIVE"
    assert await bench.poll() is None


async def test_claims_obey_before_the_cursor_comes(bench: Bench) -> None:
    """Not one task is handed out after a deactivation, however far its cursor is."""
    pipeline, _ = await start_many(bench)
    await bench.deactivate(pipeline)
    assert await bench.poll() is None
    bench.check()
    assert await bench.tally(pipeline) == {"CANCELED": MANY}


async def test_holders_are_told_before_the_cursor_comes(bench: Bench) -> None:
    """A report or a result after a deactivation is that of a canceled task, with and without it."""
    pipeline, tasks = await start_many(bench, running=4)
    await bench.report(tasks[1])
    await bench.finish(tasks[3])
    await bench.deactivate(pipeline)
    assert await bench.report(tasks[0]) == "canceled"
    bench.check()
    assert await bench.report(tasks[1], "a", b"1") == "canceled"
    assert await bench.finish(tasks[2]) == "canceled"
    assert await bench.finish(tasks[3]) == "repeat"
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"FINISHED": 1, "CANCELED": MANY - 1}
    assert await bench.finish(tasks[2]) == "canceled"


async def test_repeated_poll_gets_no_canceled_task(bench: Bench) -> None:
    """A poll that is repeated after a deactivation is not given its task again, but another."""
    pipeline = await bench.start([*components(250, group="other"), component("Last")])
    await bench.settle()
    call = bench.call()
    assert await bench.poll(call=call)
    await bench.deactivate(pipeline)
    assert await bench.poll(call=call._replace(attempt=2)) is None
    bench.check()
    other = await bench.start(1)
    task = await bench.poll(call=call._replace(attempt=3))
    assert task is not None
    assert task.pipeline_id == other


async def test_timers_that_come_before_the_cursor(bench: Bench) -> None:
    """A lease, a timeout and a retry that are due first cancel their tasks, and nothing else."""
    limits = {"maximum_retries": 0, "attempt_timeout_ms": 1}
    parts = [*components(250, group="other"), component("Timeout", cascade=True, **limits)]
    parts += [component("Retry", retry_delay_ms=1), component("Lease", maximum_retries=0)]
    pipeline = await bench.start([*parts, component("Blocked", needs=[250])])
    await bench.settle()
    await bench.report(await bench.claim())
    await bench.finish(await bench.claim(), FAILED)
    await bench.claim(ack_ms=1)
    await pass_time(0.02)  # so that they are due before the cursor
    await bench.deactivate(pipeline)
    for _ in range(3):
        done = await bench.due(1)
        bench.check()
        assert (done.failed, done.timed_out, done.lost_unacknowledged) == (0, 0, 0)
    rows = await bench.rows(pipeline)
    assert {rows[name] for name in ("Timeout", "Retry", "Lease")} == {"CANCELED"}
    assert rows["Blocked"] == "blocked"


async def test_nothing_cascades_where_all_is_canceled(bench: Bench) -> None:
    """Dependents of a canceled instance are canceled themselves, whoever comes to them first."""
    parts = [*components(250, group="other"), cascading("A")]
    parts += [component(f"B{i}", needs=[250]) for i in range(250)]
    pipeline = await bench.start(parts)
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    await bench.deactivate(pipeline)
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {FAILED: 1, "CANCELED": 500}


async def test_while_instances_are_being_made(bench: Bench) -> None:
    """Instances that are made after the deactivation of their start are canceled."""
    parts = [cascading("A"), *components(500, needs=[0, 501]), cascading("Z")]
    pipeline = await bench.start(parts)
    await bench.deactivate(pipeline)
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"CANCELED": 502}
    assert await bench.poll() is None


async def test_run_again_before_what_it_needs_is_made(bench: Bench) -> None:
    """An instance that is run again fails when what it needs is made, and canceled."""
    parts = [component("A", needs=[300]), *components(299), cascading("Z")]
    pipeline = await bench.start(parts)
    await bench.deactivate(pipeline)
    assert await bench.rerun(pipeline, (await bench.ids(pipeline))[0]) == 1
    bench.check()
    rows = await settled(bench, pipeline)
    assert (rows["A"], rows["Z"]) == (CASCADED, "CANCELED")


async def test_next_start_is_not_canceled(bench: Bench) -> None:
    """A start right after the deactivation runs, while the cursor is still on its way."""
    pipeline, _ = await start_many(bench)
    await bench.deactivate(pipeline)
    assert await bench.activate(pipeline)
    bench.check()
    assert (await bench.claim()).n > MANY
    await bench.settle()
    tally = await bench.tally(pipeline)
    assert tally == {"CANCELED": MANY, "leased": 1, "ready": MANY - 1}
    assert await state_of(bench, pipeline) == "SCHEDULED"


async def test_run_again_while_the_cursor_passes(bench: Bench) -> None:
    """What is run again after a deactivation is spared by its cursor, ended before it or not."""
    pipeline, [finished, held] = await start_many(bench, running=2)
    await bench.finish(finished)
    await bench.deactivate(pipeline)
    ids = await bench.ids(pipeline)
    assert await bench.rerun(pipeline, ids[0], ids[MANY - 3], *ids[MANY - 2 :]) == 4
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"CANCELED": MANY - 4, "ready": 4}
    assert await bench.report(held) == "canceled"
    again = [await bench.claim("last") for _ in range(2)]
    assert [task.attempt for task in again] == [2, 2]
    await bench.deactivate(pipeline)
    assert await bench.finish(again[0]) == "canceled"
    await bench.settle()
    assert await bench.tally(pipeline) == {"CANCELED": MANY}


async def test_run_again_with_what_is_about_to_be_canceled(bench: Bench) -> None:
    """A rerun that needs something that the cursor has yet to cancel is as hopeless as after it."""
    parts = [*components(250, group="other"), component("A", cascade=True)]
    parts += [component("B", needs=[250]), component("C", cascade=True)]
    pipeline = await bench.start([*parts, component("D", needs=[252, 250])])
    await bench.settle()
    [*_, a, b, _, d] = await bench.ids(pipeline)
    await bench.cancel(pipeline, b, d)
    await bench.deactivate(pipeline)
    assert await bench.rerun(pipeline, b, d) == 0
    assert await bench.rerun(pipeline, a, b) == 2
    bench.check()
    rows = await settled(bench, pipeline)
    assert [rows[name] for name in "ABCD"] == ["ready", "blocked", "CANCELED", "CANCELED"]


async def test_rerun_that_has_not_spread_yet(bench: Bench) -> None:
    """What a rerun from before the deactivation has not reached is not brought back by it."""
    parts = [*components(250, group="other"), cascading("A")]
    parts += [component(f"B{i}", needs=[250]) for i in range(300)]
    pipeline = await bench.start(parts)
    await bench.settle()
    await bench.finish(await bench.claim(), FAILED)
    await bench.settle()
    await bench.rerun(pipeline, (await bench.ids(pipeline))[250])
    await bench.deactivate(pipeline)
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"CANCELED": 251, CASCADED: 300}


async def test_deactivated_again_half_way(bench: Bench) -> None:
    """A second deactivation while the cursor of the first passes cancels later starts as well."""
    pipeline, _ = await start_many(bench)
    await bench.deactivate(pipeline)
    await bench.activate(pipeline)
    await bench.deactivate(pipeline)
    bench.check()
    await settled(bench, pipeline)
    assert await bench.tally(pipeline) == {"CANCELED": 2 * MANY}


async def test_deletion_in_the_middle(bench: Bench) -> None:
    """A pipeline that is deleted while its cursor passes leaves nothing but its tombstone."""
    pipeline, [held] = await start_many(bench, running=1)
    await bench.pause(pipeline, "Work0")
    await bench.deactivate(pipeline)
    await bench.delete(pipeline)
    await settled(bench, pipeline)
    assert [key for key in bench.dump() if pipeline in key] == [
        f"coord:1:{{0}}:pipeline:{ACCOUNT}:{pipeline}"
    ]
    assert await bench.report(held) == "deleted"


@pytest.mark.parametrize("cancel", [True, False])
async def test_repeats(bench: Bench, cancel: bool) -> None:
    """The same deactivation again, by its answer key, cancels and holds nothing."""
    pipeline = await bench.start(chain(True, True))
    await bench.deactivate(pipeline, "key", cancel=cancel)
    await bench.activate(pipeline)
    before = bench.dump()
    await bench.deactivate(pipeline, "key", cancel=cancel)
    assert bench.dump() == before


@pytest.mark.parametrize("cancel", [True, False])
async def test_what_is_refused_changes_nothing(bench: Bench, cancel: bool) -> None:
    """A pipeline that was never activated, is deleted or is not there cannot be deactivated."""
    new, deleted = await bench.create(), await bench.start(1)
    await bench.delete(deleted)
    refusals = {new: InvalidRequestError, deleted: PipelineDeletedError}
    for pipeline, error in {**refusals, f"{new}x": PipelineNotFoundError}.items():
        before = bench.dump()
        with pytest.raises(error):
            await bench.deactivate(pipeline, "key", cancel=cancel)
        assert bench.dump() == before
