"""Reports: acknowledge, renew, keep what was reported, and say what became of a handle."""

from __future__ import annotations

import pytest
from seeds import ACCOUNT, Bench, component, handle_of
from waiting import eventually

from coordinator.errors import (
    InvalidRequestError,
    PipelineDeletedError,
    PipelineNotFoundError,
    TaskNotFoundError,
)

MAX_KEYS = 50
MAX_BYTES = 262_144


async def test_first_report_acknowledges_and_later_ones_renew(bench: Bench) -> None:
    """The deadline moves from the acknowledgement's to the progress timeout, and on from there."""
    pipeline = await bench.start()
    task = await bench.claim(ack_ms=60_000)
    assert await bench.report(task, timeout_ms=900_000) == "acknowledged"
    [first] = await bench.pipelines.instances(ACCOUNT, pipeline, [(task.instance_id, 0)])
    assert await bench.report(task, timeout_ms=1_800_000) == "accepted"
    [second] = await bench.pipelines.instances(ACCOUNT, pipeline, [(task.instance_id, 0)])
    assert first is not None
    assert second is not None
    lengths = [
        int(row.instance["deadline_ms"]) - int(row.instance["renewed_ms"])
        for row in (first, second)
    ]
    assert lengths == [900_000, 1_800_000]
    assert second.instance["acked_ms"] == first.instance["acked_ms"]
    assert second.instance["reports"] == "2"


async def test_own_progress_timeout_wins(bench: Bench) -> None:
    """An instance whose object names a progress timeout keeps to it."""
    await bench.start([component(progress_timeout_ms=77_000)])
    task = await bench.claim()
    await bench.report(task, timeout_ms=900_000)
    [row] = await bench.pipelines.instances(ACCOUNT, task.pipeline_id, [(task.instance_id, 0)])
    assert row is not None
    assert int(row.instance["deadline_ms"]) - int(row.instance["renewed_ms"]) == 77_000


async def test_fields_are_merged(bench: Bench) -> None:
    """A key that is reported again has its last value; the others stay."""
    await bench.start()
    task = await bench.claim()
    await bench.report(task, "done", b"1", "of", b"9")
    await bench.report(task, "done", b"2")
    [row] = await bench.pipelines.instances(ACCOUNT, task.pipeline_id, [(task.instance_id, 0)])
    assert row is not None
    assert row.progress == {"done": b"2", "of": b"9"}


async def test_fifty_distinct_keys(bench: Bench) -> None:
    """The 51st key is refused and nothing of that report is kept; known keys may go on."""
    await bench.start()
    task = await bench.claim()
    for first in (0, 25):
        fields = [part for i in range(first, first + 25) for part in (f"key{i}", b"1")]
        await bench.report(task, *fields)
    before = bench.dump()
    with pytest.raises(InvalidRequestError, match="51 distinct keys"):
        await bench.report(task, "key0", b"2", "one more", b"1")
    assert bench.dump() == before
    assert await bench.report(task, "key0", b"2", "key49", b"2") == "accepted"


async def test_repeated_key_of_one_report_counts_once(bench: Bench) -> None:
    """A key that a report names twice is one key, with the value named last."""
    await bench.start()
    task = await bench.claim()
    await bench.report(task, *[part for i in range(49) for part in (f"key{i}", b"1")])
    assert await bench.report(task, "last", b"1", "last", b"2") == "accepted"


async def test_bytes_of_an_attempt(bench: Bench) -> None:
    """A byte more than allowed, over all reports, is refused whole; what is replaced is free."""
    await bench.start()
    task = await bench.claim()
    half = "é".encode() * (MAX_BYTES // 4)
    await bench.report(task, "a", half, "b", b"1")
    assert await bench.report(task, "b", half) == "accepted"
    before = bench.dump()
    for fields in (("c", b"1"), ("a", half + b"1"), ("b", b"1", "c", half)):
        with pytest.raises(InvalidRequestError, match=r"'fields' .* \d+ bytes long; 262144 are"):
            await bench.report(task, *fields)
    assert bench.dump() == before
    assert await bench.report(task, "b", b"1", "c", half[:-2] + b"1") == "accepted"
    assert await bench.report(task) == "accepted"


async def test_bytes_of_one_report(bench: Bench) -> None:
    """A first report that is too long is refused, too, and does not acknowledge."""
    await bench.start()
    task = await bench.claim()
    before = bench.dump()
    with pytest.raises(InvalidRequestError, match="262145 bytes"):
        await bench.report(task, "a", b"1" * MAX_BYTES, "b", b"1")
    assert bench.dump() == before
    assert await bench.report(task, "a", b"1", "a", b"2" * MAX_BYTES) == "acknowledged"


@pytest.mark.parametrize("ending", ["failed", "silent", "canceled"])
async def test_bytes_are_counted_by_attempt(bench: Bench, ending: str) -> None:
    """The next attempt may report as much again, however the one before has ended."""
    pipeline = await bench.start()
    task = await bench.claim()
    short = 1 if ending == "silent" else 600_000
    await bench.report(task, "a", b"1" * MAX_BYTES, timeout_ms=short)
    if ending == "failed":
        await bench.finish(task, "FAILED")
    elif ending == "silent":
        await eventually(lambda: _lost(bench))
    else:
        await bench.cancel(pipeline, task.instance_id)
        await bench.rerun(pipeline, task.instance_id)
    following = await bench.claim()
    assert following.attempt == 2
    assert await bench.report(following, "b", b"1" * MAX_BYTES) == "acknowledged"


async def test_checkpoint_goes_to_the_next_attempts(bench: Bench) -> None:
    """What an attempt reported is given to the next ones, until one reports itself."""
    await bench.start([component(maximum_retries=5)])
    first = await bench.claim()
    await bench.report(first, "offset", b"17")
    await bench.finish(first, "FAILED")
    second = await bench.claim()
    assert second.checkpoint == {"offset": b"17"}
    await bench.finish(second, "FAILED")
    third = await bench.claim()
    assert third.checkpoint == {"offset": b"17"}
    await bench.report(third, "other", b"1")
    await bench.finish(third, "FAILED")
    assert (await bench.claim()).checkpoint == {"other": b"1"}


async def test_late_report_renews_what_nobody_took(bench: Bench) -> None:
    """A report after the deadline, before the lease is taken away, simply renews it."""
    await bench.start()
    task = await bench.claim(ack_ms=1)
    key = f"coord:1:{{0}}:lease:{ACCOUNT}:{task.pipeline_id}:{task.n}"
    await eventually(lambda: key not in bench.dump())
    assert await bench.report(task) == "acknowledged"
    assert (await bench.due()).lost_unacknowledged == 0
    assert await bench.report(task) == "accepted"


async def test_superseded(bench: Bench) -> None:
    """A handle whose task was taken away is told so, also after the task has a new holder."""
    await bench.start()
    task = await bench.claim(ack_ms=1)
    await eventually(lambda: _lost(bench))
    for _ in range(2):
        before = bench.dump()
        assert await bench.report(task, "a", b"1") == "superseded"
        assert bench.dump() == before
        await bench.poll()


async def test_silent_handle_is_superseded(bench: Bench) -> None:
    """A handle that had acknowledged and fell silent is told so too."""
    await bench.start()
    task = await bench.claim()
    await bench.report(task, timeout_ms=1)
    await eventually(lambda: _lost(bench))
    assert await bench.report(task) == "superseded"
    await bench.claim()
    assert await bench.report(task) == "superseded"


async def test_canceled(bench: Bench) -> None:
    """The holder of a canceled task is told at its next report."""
    pipeline = await bench.start()
    task = await bench.claim()
    assert await bench.cancel(pipeline, task.instance_id) == 1
    before = bench.dump()
    assert await bench.report(task, "a", b"1") == "canceled"
    assert await bench.finish(task) == "canceled"
    assert bench.dump() == before


async def test_report_after_the_result(bench: Bench) -> None:
    """A report of a handle that has given its result is a repeat and changes nothing."""
    await bench.start(2)
    for status in ("FINISHED", "FAILED"):
        task = await bench.claim()
        await bench.finish(task, status)
        before = bench.dump()
        assert await bench.report(task, "a", b"1") == "repeat"
        assert bench.dump() == before


async def test_deleted(bench: Bench) -> None:
    """Who held a task of a pipeline when it was deleted is told so, before and after clean-up."""
    pipeline = await bench.start(3)
    held, silent = await bench.claim(), await bench.claim()
    await bench.report(held)
    await bench.delete(pipeline)
    for _ in range(2):
        assert await bench.report(held, "a", b"1") == "deleted"
        assert await bench.report(silent) == "deleted"
        await bench.settle()


async def test_of_a_deleted_pipeline_but_not_running_then(bench: Bench) -> None:
    """A handle that was superseded or finished before the deletion gets PipelineDeletedError."""
    pipeline = await bench.start(2)
    finished, lost = await bench.claim(), await bench.claim()
    await bench.finish(finished)
    await bench.give_back(lost)
    await bench.delete(pipeline)
    for _ in range(2):
        before = bench.dump()
        for task in (finished, lost):
            with pytest.raises(PipelineDeletedError):
                await bench.report(task)
        assert bench.dump() == before
        await bench.settle()


async def test_unknown_pipeline(bench: Bench) -> None:
    """A handle of a pipeline that is not there at all gets PipelineNotFoundError."""
    pipeline = await bench.start()
    task = (await bench.claim())._replace(pipeline_id=pipeline[:-4] + "AAAA")
    before = bench.dump()
    with pytest.raises(PipelineNotFoundError):
        await bench.report(task)
    assert bench.dump() == before


@pytest.mark.parametrize("change", [{"claim": "0" * 32}, {"n": 2}, {"n": 99}, {"attempt": 2}])
async def test_forged_handle(bench: Bench, change: dict[str, int | str]) -> None:
    """A handle of which any part is not the one handed out was never handed out."""
    await bench.start(2)
    task = (await bench.claim())._replace(**change)  # type: ignore[arg-type]
    before = bench.dump()
    with pytest.raises(TaskNotFoundError):
        await bench.report(task, "a", b"1")
    with pytest.raises(TaskNotFoundError):
        await bench.finish(task)
    assert handle_of(task).pipeline_id == task.pipeline_id
    assert bench.dump() == before


async def _lost(bench: Bench) -> bool:
    run = await bench.due()
    return run.lost_unacknowledged + run.lost_silent > 0
