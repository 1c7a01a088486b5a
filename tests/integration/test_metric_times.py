"""Times that metrics show, exactly: the clock of the server stands, and the tests step it."""

from __future__ import annotations

from contextlib import closing, contextmanager

import pytest
from faketime import SteppedServer
from pipelines import (
    activity,
    finish,
    ids,
    new_group,
    poll,
    schedule,
    scheduled,
    start,
    task_fields,
)
from replicas import ReplicaProcess
from scrape import moved, samples
from waiting import wait_until

ACK, PROGRESS = 120, 900  # seconds that a lease lasts, by default
STALE = 300
NO_OUTAGE = {"OUTAGE_THRESHOLD": 1_000_000}  # however far the clock is stepped


@pytest.fixture(scope="module")
def server():
    """A server whose clock stands."""
    made = SteppedServer()
    with closing(made):
        made.start()
        yield made


@pytest.fixture(scope="module")
def replica(server):
    """A replica on it."""
    made = ReplicaProcess(server.url, POLL_WAIT=1, **NO_OUTAGE)
    with closing(made):
        made.start()
        yield made


@pytest.fixture(scope="module")
def api(replica):
    """A client of the replica."""
    with closing(replica.client()) as client:
        yield client


@pytest.fixture
def group():
    """A worker group of the test's own."""
    return new_group()


@pytest.fixture
def passes(server):
    """Let seconds pass."""
    return lambda seconds: server.advance(seconds * 1000)


@pytest.fixture
def seen(replica):
    """Check that what happens inside is one observation, of so many seconds (or such a share)."""

    @contextmanager
    def observes(name, value, count=1):
        before = samples(replica)
        yield
        change = moved(before, samples(replica))
        assert change.get(f"{name}_count", 0) == count
        assert change.get(f"{name}_sum", 0) == pytest.approx(value)

    return observes


def report(api, task):
    """Report, and return whether the runner was told to stop."""
    return api.report_task_progress(taskId=task["taskId"])["canceled"]


@pytest.mark.parametrize(
    ("share", "bucket", "below"),
    [(0, "1.0", "0.9"), (0.25, "0.8", "0.7"), (0.96, "0.05", None), (1, "0.05", None)],
)
def test_slack_of_a_report(api, group, replica, passes, share, bucket, below):
    """What was left of the lease, as a share of all it had: in its bucket, and in none below."""
    start(api, activity("Work", group))
    task = poll(api, group)
    report(api, task)
    before = samples(replica)
    passes(share * PROGRESS)
    assert not report(api, task)
    change = moved(before, samples(replica))
    assert change["lease_slack_ratio_count"] == change[f"lease_slack_ratio_bucket{{{bucket}}}"] == 1
    assert change.get("lease_slack_ratio_sum", 0) == pytest.approx(1 - share)
    assert f"lease_slack_ratio_bucket{{{below}}}" not in change
    finish(api, task)


def test_slack_of_a_first_report(api, group, passes, seen):
    """It is of the time to acknowledge."""
    start(api, activity("Work", group))
    task = poll(api, group)
    passes(ACK / 4)
    with seen("lease_slack_ratio", 0.75):
        report(api, task)
    finish(api, task)


def test_slack_of_a_lease_with_a_time_of_its_own(api, group, passes, seen):
    """It is of what the task's object says."""
    start(api, activity("Work", group, reportProgressTimeout="10 minutes"))
    task = poll(api, group)
    report(api, task)
    passes(60)
    with seen("lease_slack_ratio", 0.9):
        report(api, task)
    finish(api, task)


def cancel(api, pipeline):
    """Cancel all of a pipeline."""
    api.set_status(pipelineId=pipeline, objectIds=ids(api, pipeline), status="TRY_CANCEL")


def delete(api, pipeline):
    """Delete a pipeline."""
    api.delete_pipeline(pipelineId=pipeline)


@pytest.mark.parametrize("act", [cancel, delete])
def test_how_long_a_holder_was_not_told(api, group, passes, seen, act):
    """From the cancel, or the deletion, to each report that was told; those have no slack."""
    pipeline = start(api, activity("Work", group))
    task = poll(api, group)
    report(api, task)
    act(api, pipeline)
    passes(7)
    with seen("cancel_told_seconds", 7), seen("lease_slack_ratio", 0, count=0):
        assert report(api, task)
    passes(2)
    with seen("cancel_told_seconds", 9):
        assert report(api, task)


def test_how_long_a_loser_was_not_told(api, group, replica, passes, seen):
    """From when its lease was taken, which the sweep counts."""
    start(api, activity("Work", group))
    task = poll(api, group)
    swept = samples(replica)["leases_swept"]
    passes(ACK + 1)
    wait_until(lambda: samples(replica)["leases_swept"] == swept + 1)
    passes(5)
    with seen("cancel_told_seconds", 5):
        assert report(api, task)
    with seen("hand_out_lag_seconds", 6), seen("ready_wait_seconds", 5):
        finish(api, poll(api, group))


def test_how_long_a_task_was_ready(api, group, passes, seen):
    """From its becoming ready to its hand-out; a poll's own wait begins with the poll."""
    start(api, activity("Work", group))
    passes(42)
    with seen("ready_wait_seconds", 42):
        finish(api, poll(api, group))


def test_the_wait_of_a_poll(api, group, replica):
    """A poll that finds a task at once has waited for next to nothing; one without is not seen."""
    start(api, activity("Work", group))
    before = samples(replica)
    finish(api, poll(api, group))
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    change = moved(before, samples(replica))
    assert change["poll_hand_out_seconds_count"] == change["poll_hand_out_seconds_bucket{5.0}"] == 1
    assert change["empty_polls"] == 1
    assert change[f"polls{{local,{group}}}"] == 2


def test_the_age_of_a_backlog(api, group, replica, passes):
    """The oldest counts, whatever comes later, until it is handed out."""
    names = [f"{kind}{{local,{group}}}" for kind in ("ready_tasks", "ready_oldest_age_seconds")]
    start(api, activity("First", group))
    passes(30)
    start(api, activity("Second", group), activity("Third", group))
    passes(12)
    assert [samples(replica)[name] for name in names] == [3, 42]
    left = {"First", "Second", "Third"}  # whose pipeline's turn it is does not go by age
    while len(left) > 1:
        task = poll(api, group)
        left.remove(task_fields(task)["@componentParent"])
        finish(api, task)
        age = 42 if "First" in left else 12
        assert [samples(replica)[name] for name in names] == [len(left), age]
    finish(api, poll(api, group))
    assert not samples(replica).keys() & set(names)


def test_the_time_since_a_group_was_polled(api, group, replica, passes):
    """Of a group that nobody has polled there is none, though it has work."""
    name = f"group_last_poll_age_seconds{{local,{group}}}"
    start(api, activity("Work", group))
    assert name not in samples(replica)
    finish(api, poll(api, group))
    wait_until(lambda: samples(replica).get(name) == 0)
    passes(33)
    assert samples(replica)[name] == 33


@pytest.fixture
def hourly(api, group, replica):
    """Start a pipeline whose activity runs each hour, the first time now."""
    made = []

    def begin(**fields):
        made.append(start(api, scheduled("Work", group, **fields), schedule("1 hour")))
        wait_until(lambda: f"ready_tasks{{local,{group}}}" in samples(replica))

    yield begin
    for pipeline in made:
        api.delete_pipeline(pipelineId=pipeline)


@pytest.fixture
def ticks(replica, passes):
    """Let seconds pass in one step, and wait until so many runs have begun in time or late."""

    def passing(seconds, runs):
        before = samples(replica)["schedule_lag_seconds_count"]
        passes(seconds)
        wait_until(lambda: samples(replica)["schedule_lag_seconds_count"] == before + runs)

    return passing


def test_how_late_a_schedule_is(hourly, ticks, seen):
    """From a tick's time to its application; one behind a late one is late by what it adds."""
    hourly()
    with seen("schedule_lag_seconds", 10):
        ticks(3610, 1)
    with seen("schedule_lag_seconds", 3610, count=2):
        ticks(7200, 2)


def test_a_run_that_must_wait_for_others_is_not_late(api, group, replica, hourly, passes):
    """It begins when one of them ends, which is no fault of ours."""
    hourly(maxActiveInstances="1")
    before = samples(replica)["schedule_lag_seconds_count"]
    passes(3700)
    for _ in range(2):
        finish(api, poll(api, group))
    assert samples(replica)["schedule_lag_seconds_count"] == before


def test_stale_leases(api, group, replica, passes):
    """From five minutes of silence to the next report, or to the loss; nothing is taken for it."""

    def stale(count):
        wait_until(lambda: samples(replica)["stale_leases"] == count)
        return True

    start(api, activity("Work", group))
    task = poll(api, group)
    report(api, task)
    passes(STALE)
    assert stale(0)
    passes(1)
    assert stale(1)
    assert not report(api, task)
    assert stale(0)
    passes(STALE + 1)
    assert stale(1)
    passes(PROGRESS - STALE)
    assert stale(0)
    assert report(api, task)
    finish(api, poll(api, group))


def test_a_clock_that_steps_back(server, replica):
    """Each time that it is seen counts once, if it is more than a second."""
    before = samples(replica)["clock_steps_back"]
    server.set_time(server.now_ms - 5000)
    wait_until(lambda: samples(replica)["clock_steps_back"] == before + 1)
    server.advance(20_000)
