"""Redis away, full or emptied, as clients of a replica see it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pipelines import activity, create, every_call, finish, new_group, poll, put, start, statuses
from replicas import ReplicaProcess
from servers import Server
from waiting import wait_until

from coordinator.wire.operations import OPERATIONS

TIMEOUT = 1.0
LATE = 5.0  # for a busy machine
POLL_SETTLES = 2.0  # a poll asks again what became of its claim


@pytest.fixture(scope="module", params=["valkey", "redis7"])
def server(request):
    """A server for this file, with its data on disk."""
    server = Server(request.param, aof=True, argv=["--appendfsync", "always"])
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def replica(server):
    """The one replica of all tests of this file: it is never restarted."""
    replica = ReplicaProcess(server.url, REDIS_TIMEOUT=TIMEOUT, POLL_WAIT=20)
    replica.start()
    yield replica
    replica.close()


@pytest.fixture(scope="module")
def api(replica):
    """A client that does not repeat calls."""
    client = replica.client()
    yield client
    client.close()


@pytest.fixture
def group():
    """A worker group of the test's own."""
    return new_group()


@pytest.fixture(autouse=True)
def _well_again(server, replica):
    """Whatever a test did to the server is over before the next."""
    yield
    if server.process is None:
        server.start()
    server.resume()
    with server.client() as client:
        client.config_set("maxmemory", 0)
    wait_until(replica.ready)
    assert "Traceback" not in replica.log


def freeze(server):
    """Stop the server with SIGSTOP: it keeps its connections and answers nothing."""
    server.pause()


def kill(server):
    """Kill the server: connections are refused."""
    server.kill()


def bring_back(server):
    """Undo either."""
    if server.process is None:
        server.start(wait=False)
    server.resume()


def timed(replica, operation, body):
    """Make a call: its answer and how long that took."""
    began = time.monotonic()
    answer = replica.post(operation, body)
    return answer, time.monotonic() - began


def health_seconds(replica):
    """Ask for /healthz; return how long that took."""
    began = time.monotonic()
    assert replica.get("/healthz").status == 200
    return time.monotonic() - began


@pytest.mark.parametrize("outage", [freeze, kill])
def test_every_operation_answers_in_time_while_redis_is_away(server, replica, api, group, outage):
    """With InternalServiceError, 500 and a sentence; and the same calls succeed afterwards."""
    pipeline = start(api, activity("A", group))
    task = poll(api, group)["taskId"]
    outage(server)
    with ThreadPoolExecutor(len(OPERATIONS)) as pool:
        asked = {
            operation: pool.submit(timed, replica, operation, body)
            for operation, body in every_call(pipeline, task).items()
        }
    for operation, (answer, took) in ((name, each.result()) for name, each in asked.items()):
        assert answer.status == 500, operation
        assert answer.headers["x-amzn-errortype"] == "InternalServiceError"
        assert answer.headers["x-amzn-requestid"]
        fault = json.loads(answer.body)
        assert fault["__type"] == "InternalServiceError"
        assert "Redis at " in fault["message"], operation
        assert fault["message"].endswith(".")
        within = POLL_SETTLES if operation == "PollForTask" else TIMEOUT
        assert took < within + LATE, operation
    bring_back(server)
    wait_until(replica.ready)
    assert api.report_task_progress(taskId=task)["canceled"] is False
    api.set_task_status(taskId=task, taskStatus="FINISHED")
    assert statuses(api, pipeline) == {"A": "FINISHED"}


@pytest.mark.parametrize("outage", [freeze, kill])
def test_the_pages_tell_the_truth_while_redis_is_away(server, replica, outage):
    """/healthz never asks Redis, /readyz says what is wrong, /metrics shows it."""
    outage(server)
    assert min(health_seconds(replica) for _ in range(5)) < 0.5
    page = wait_until(lambda: (got := replica.get("/readyz")).status == 503 and got)
    reason = json.loads(page.body)
    assert reason["status"] == "unavailable"
    assert "Redis" in reason["reason"]
    assert b"coordinator_redis_up 0.0" in replica.get("/metrics").body
    bring_back(server)
    wait_until(replica.ready)
    assert b"coordinator_redis_up 1.0" in replica.get("/metrics").body


@pytest.mark.parametrize("outage", [freeze, kill])
def test_polls_that_wait_through_an_outage_get_tasks_again(server, replica, api, group, outage):
    """The replica is not restarted and the poll not repeated."""
    pipeline = create(api)
    put(api, pipeline, activity("A", group))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(replica.post, "PollForTask", {"workerGroup": group})
        wait_until(lambda: b"coordinator_waiters 1.0" in replica.get("/metrics").body)
        for _ in range(3):  # calls of Redis keep their order: the poll's own first look is over
            api.describe_pipelines(pipelineIds=[pipeline])
        outage(server)
        wait_until(lambda: replica.get("/readyz").status == 503)
        bring_back(server)
        wait_until(replica.ready)
        api.activate_pipeline(pipelineId=pipeline)
        answer = waiting.result(10)
    assert answer.status == 200
    task = json.loads(answer.body)["taskObject"]
    assert task["pipelineId"] == pipeline
    finish(api, task)


def test_boto3_outlives_a_short_outage_by_its_own_repeats(server, replica, api, group):
    """InternalServiceError is one that it repeats."""
    pipeline = start(api, activity("A", group))
    patient = replica.client(attempts=10)
    server.kill()
    with ThreadPoolExecutor(1) as pool:
        described = pool.submit(patient.describe_pipelines, pipelineIds=[pipeline])
        wait_until(lambda: replica.get("/readyz").status == 503)
        server.start()
        assert described.result(60)["pipelineDescriptionList"][0]["pipelineId"] == pipeline
    patient.close()


def test_a_full_redis_refuses_work_and_takes_results(server, replica, api, group):
    """CreatePipeline says why; hand-outs, reports, results and deletions go on."""
    pipeline = start(api, activity("A", group), activity("B", group, maximumRetries="0"))
    one = poll(api, group)
    with server.client() as client:
        client.config_set("maxmemory", 1)
    for operation, body in (
        ("CreatePipeline", {"name": "n", "uniqueId": new_group()}),
        ("PutPipelineDefinition", {"pipelineId": pipeline, "pipelineObjects": []}),
        ("ActivatePipeline", {"pipelineId": pipeline}),
    ):
        answer = replica.post(operation, body)
        assert answer.status == 500
        assert b"out of memory (maxmemory)" in answer.body
    fields = [{"key": "percentComplete", "stringValue": "50"}]
    assert api.report_task_progress(taskId=one["taskId"], fields=fields)["canceled"] is False
    finish(api, one)
    finish(api, poll(api, group), "FAILED")
    assert statuses(api, pipeline) == {"A": "FINISHED", "B": "FAILED"}
    api.delete_pipeline(pipelineId=pipeline)
    with server.client() as client:
        client.config_set("maxmemory", 0)
    assert create(api)


def test_an_emptied_redis_is_a_new_one(server, replica, api, group):
    """What was is not found; waiting polls and new work go on without a restart."""
    old = start(api, activity("A", group))
    task = poll(api, group)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(replica.post, "PollForTask", {"workerGroup": group})
        wait_until(lambda: b"coordinator_waiters 1.0" in replica.get("/metrics").body)
        with server.client() as client:
            client.flushall()
            client.script_flush()
        with pytest.raises(api.exceptions.PipelineNotFoundException):
            api.report_task_progress(taskId=task["taskId"])
        with pytest.raises(api.exceptions.PipelineNotFoundException):
            api.describe_pipelines(pipelineIds=[old])
        new = start(api, activity("A", group))
        answer = waiting.result(10)
    assert json.loads(answer.body)["taskObject"]["pipelineId"] == new
