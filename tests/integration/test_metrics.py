"""GET /metrics: each counter and gauge moves by exactly what was done."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from botocore.exceptions import ClientError
from pipelines import Ref, activity, finish, ids, item, new_group, poll, start
from replicas import ReplicaProcess
from scrape import counted, gauges, moved, samples
from servers import Server
from waiting import wait_until

HASTY = {"ACK_TIMEOUT": 0.2, "PROGRESS_TIMEOUT": 0.2}


@pytest.fixture(scope="module")
def replicas():
    """Two replicas on one Valkey; the leases of the second are short."""
    server = Server("valkey", aof=True)
    pair = [ReplicaProcess(server.url, POLL_WAIT=1, **more) for more in ({}, HASTY)]
    try:
        server.start()
        for replica in pair:
            replica.start()
        yield pair
    finally:
        for replica in pair:
            replica.close()
        server.close()


@pytest.fixture
def api(replicas):
    """A client of the replica with long leases."""
    with closing(replicas[0].client()) as client:
        yield client


@pytest.fixture
def hasty(replicas):
    """A client of the replica with short leases."""
    with closing(replicas[1].client()) as client:
        yield client


@pytest.fixture
def group():
    """A worker group of the test's own."""
    return new_group()


@pytest.fixture
def expect(replicas):
    """Check what moves inside a ``with`` statement, added up over the replicas."""

    @contextmanager
    def moves(**changes):
        before = counted(*replicas)
        yield
        wanted = {re.sub(r"^(lost|refused|errors)_", r"\1{", k): v for k, v in changes.items()}
        wanted = {f"{name}}}" if "{" in name else name: n for name, n in wanted.items()}
        assert moved(before, counted(*replicas)) == wanted

    return moves


def lost(replicas, cause):
    """Return how many leases were lost by a cause."""
    return counted(*replicas)[f"lost{{{cause}}}"]


def refused(call, **arguments):
    """Make a call that must be refused; return the error's name."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_from_the_hand_out_to_the_result(api, group, expect):
    """A grant, its acknowledgement, each renewal and the result count once."""
    start(api, activity("Work", group))
    with expect(granted=1):
        task = poll(api, group)
    with expect(acknowledged=1):
        api.report_task_progress(taskId=task["taskId"])
    with expect(renewed=3):
        for _ in range(3):
            api.report_task_progress(taskId=task["taskId"])
    with expect(finished=1):
        finish(api, task)


def test_a_poll_without_a_task(api, group, expect):
    """An empty poll counts nothing."""
    with expect():
        api.poll_for_task(workerGroup=group)


def test_failures(api, group, expect):
    """A failure that is retried is not yet a failed instance."""
    start(api, activity("Work", group, maximumRetries="1"))
    with expect(granted=1, retried=1):
        finish(api, poll(api, group), "FAILED")
    with expect(granted=1, failed=1):
        finish(api, poll(api, group), "FAILED")


def test_preconditions(api, group, expect):
    """A check that finds nothing yet is no failure."""
    precondition = item("Marked", type="Exists", retryDelay="0 seconds")
    start(api, activity("Work", group, precondition=Ref("Marked")), precondition)
    with expect(granted=1, unsatisfied=1):
        finish(api, poll(api, group), "FALSE")
    with expect(granted=1, finished=1):
        finish(api, poll(api, group))


def test_canceled(api, group, expect):
    """Each canceled instance counts once, and each call of its holder as refused."""
    pipeline = start(api, *(activity(f"Work{n}", group) for n in range(3)))
    task = poll(api, group)
    names = ids(api, pipeline)
    with expect(canceled=3):
        for _ in range(2):
            api.set_status(pipelineId=pipeline, objectIds=names, status="TRY_CANCEL")
    with expect(refused_canceled=2):
        assert api.report_task_progress(taskId=task["taskId"])["canceled"]
        finish(api, task)


def test_an_unacknowledged_lease(api, hasty, group, replicas, expect):
    """The tenth lost hand-out counts as lost and as the instance's failure."""
    start(api, activity("Work", group))
    with expect(granted=10, lost_unacknowledged=10, failed=1):
        for _ in range(10):
            before = lost(replicas, "unacknowledged")
            poll(hasty, group)
            wait_until(lambda before=before: lost(replicas, "unacknowledged") > before)


def test_a_silent_holder(api, hasty, group, replicas, expect):
    """The fifth lease lost to silence counts as lost and as the instance's failure."""
    start(api, activity("Work", group))
    with expect(granted=5, acknowledged=5, lost_silent=5, failed=1):
        for _ in range(5):
            before = lost(replicas, "silent")
            hasty.report_task_progress(taskId=poll(api, group)["taskId"])
            wait_until(lambda before=before: lost(replicas, "silent") > before)


def test_an_attempt_over_its_time(api, group, replicas, expect):
    """An attempt over its time counts as lost, and the last one as the instance's failure too."""
    start(api, activity("Work", group, attemptTimeout="3 seconds", maximumRetries="1"))
    for change in ({}, {"failed": 1}):
        before = lost(replicas, "attempt_timeout")
        with expect(granted=1, acknowledged=1, lost_attempt_timeout=1, **change):
            api.report_task_progress(taskId=poll(api, group)["taskId"])
            wait_until(lambda before=before: lost(replicas, "attempt_timeout") > before)


def test_the_lag_from_the_deadline_to_the_next_hand_out(api, hasty, group, replicas):
    """A lost lease that is handed out again is one observation; a first hand-out is none."""
    start(api, activity("Work", group))
    before = samples(replicas[0])
    losses = lost(replicas, "unacknowledged")
    poll(hasty, group)
    wait_until(lambda: lost(replicas, "unacknowledged") > losses)
    finish(api, poll(api, group))
    change = moved(before, samples(replicas[0]))
    assert change["hand_out_lag_seconds_count"] == change["hand_out_lag_seconds_bucket{+Inf}"] == 1
    assert 0 <= change["hand_out_lag_seconds_sum"] < 15
    start(api, activity("Work", group))
    finish(api, poll(api, group))
    assert samples(replicas[0])["hand_out_lag_seconds_count"] == (
        before["hand_out_lag_seconds_count"] + 1
    )


def test_repeats(api, group, expect):
    """A result that is sent again, and a report after it, count as repeats."""
    start(api, activity("Work", group))
    task = poll(api, group)
    finish(api, task)
    with expect(refused_repeat=2):
        finish(api, task)
        api.report_task_progress(taskId=task["taskId"])
    with expect(refused_invalid=1, errors_InvalidRequestException=1):
        assert refused(api.set_task_status, taskId=task["taskId"], taskStatus="FAILED")


def test_superseded(api, hasty, group, replicas, expect):
    """The calls of a holder that lost its lease count as superseded."""
    start(api, activity("Work", group))
    before = lost(replicas, "unacknowledged")
    task = poll(hasty, group)
    wait_until(lambda: lost(replicas, "unacknowledged") > before)
    with expect(refused_superseded=2, errors_TaskNotFoundException=1):
        assert api.report_task_progress(taskId=task["taskId"])["canceled"]
        assert refused(api.set_task_status, taskId=task["taskId"], taskStatus="FINISHED")
    finish(api, poll(api, group))


def test_deleted(api, group, expect):
    """The calls for a task of a deleted pipeline count as such."""
    pipeline = start(api, activity("Work", group))
    task = poll(api, group)
    api.delete_pipeline(pipelineId=pipeline)
    with expect(refused_deleted=2, errors_PipelineDeletedException=1):
        assert api.report_task_progress(taskId=task["taskId"])["canceled"]
        assert refused(api.set_task_status, taskId=task["taskId"], taskStatus="FINISHED")


@pytest.mark.parametrize("kept", [0, -6])
def test_unknown(api, group, expect, kept):
    """Handles that are none, and handles that were never given out, count as unknown."""
    start(api, activity("Work", group))
    task = poll(api, group)
    handle = task["taskId"][:kept] + "AAAAAA"
    with expect(refused_unknown=2, errors_TaskNotFoundException=2):
        assert refused(api.report_task_progress, taskId=handle)
        assert refused(api.set_task_status, taskId=handle, taskStatus="FINISHED")
    finish(api, task)


def test_a_hand_out_that_is_repeated(api, group, replicas, expect):
    """A poll that repeats one whose answer was lost gets the same lease: it is granted once."""
    start(api, activity("Work", group))
    answers = []
    for attempt in (1, 2):
        headers = {"amz-sdk-invocation-id": "one", "amz-sdk-request": f"attempt={attempt}; max=3"}
        with expect(**({"granted": 1} if attempt == 1 else {"handed_again": 1})):
            answers.append(
                replicas[attempt - 1].post("PollForTask", {"workerGroup": group}, headers)
            )
    first, again = (json.loads(answer.body)["taskObject"]["taskId"] for answer in answers)
    assert first == again
    api.set_task_status(taskId=first, taskStatus="FINISHED")


def test_waiters(api, group, replicas, new_replica):
    """The gauge of waiting polls is what waits at this replica, and falls back."""
    patient = new_replica(replicas[0].settings["REDIS_URL"], POLL_WAIT=20)
    with closing(patient.client()) as client, ThreadPoolExecutor(2) as pool:
        polls = [pool.submit(poll, client, name) for name in (group, f"{group} b")]
        wait_until(lambda: samples(patient)["waiters"] == 2)
        assert samples(replicas[0])["waiters"] == 0
        start(api, activity("A", group), activity("B", f"{group} b"))
        for each in polls:
            finish(api, each.result())
    assert samples(patient)["waiters"] == 0


def test_gauges_of_instances(api, group, replicas):
    """Every replica shows the instances of all by state, and the timers to come."""
    before = gauges(replicas[0])
    head = [activity(f"Head{n}", group, retryDelay="1 hour") for n in range(4)]
    pipeline = start(
        api, *head, activity("Tail", group, dependsOn=[Ref(f"Head{n}") for n in range(4)])
    )
    assert moved(before, gauges(replicas[1])) == {"blocked": 1, "ready": 4}
    poll(api, group)
    finish(api, poll(api, group))
    finish(api, poll(api, group), "FAILED")
    after = {"blocked": 1, "ready": 1, "leased": 1, "delayed": 1, "terminal": 1, "timers": 2}
    for replica in replicas:
        assert moved(before, gauges(replica)) == after
    api.delete_pipeline(pipelineId=pipeline)


def test_the_replicas_add_up(replicas, group, new_replica):
    """What two replicas counted is what was done, though each counted its own part."""
    replicas = [replicas[0], new_replica(replicas[0].settings["REDIS_URL"], POLL_WAIT=1)]
    before = [counted(replica) for replica in replicas]
    clients = [replica.client() for replica in replicas]
    start(clients[0], *(activity(f"Work{n}", group) for n in range(40)))

    def work(number):
        done = 0
        while "taskObject" in (answer := clients[number % 2].poll_for_task(workerGroup=group)):
            finish(clients[0], answer["taskObject"])
            done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 40
    first, second = (moved(b, counted(r)) for b, r in zip(before, replicas, strict=True))
    assert first["finished"] == 40
    assert "finished" not in second
    assert first["granted"] + second["granted"] == 40
    for client in clients:
        client.close()
