"""PollForTask and ReportTaskRunnerHeartbeat."""

from __future__ import annotations

import json
import threading
import time

import pytest
from pipelines import (
    Ref,
    activity,
    create,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    put,
    start,
    statuses,
    task_fields,
)


def test_the_task_object_is_the_references(api):
    """One object under the attempt's id, its fields flattened, with the system's."""
    group, pipeline = new_group(), create(api)
    put(
        api,
        pipeline,
        item("Default", scheduleType="ondemand", stage="true", mine="no"),
        item("Base", shared=["b", "a"], mine="no"),
        activity("SayHello", group, command="echo hello", parent=Ref("Base"), mine="yes"),
    )
    api.activate_pipeline(pipelineId=pipeline)
    task = poll(api, group)
    (instance,) = ids(api, pipeline)
    attempt = f"{instance}_Attempt=1"
    assert set(task) == {"taskId", "pipelineId", "attemptId", "objects"}
    assert task["pipelineId"] == pipeline
    assert task["attemptId"] == attempt
    assert 1 <= len(task["taskId"]) <= 2048
    (key,) = task["objects"]
    found = task["objects"][key]
    assert key == found["id"] == found["name"] == attempt
    refs = {f["key"]: f["refValue"] for f in found["fields"] if "refValue" in f}
    texts = {f["key"]: f["stringValue"] for f in found["fields"] if "stringValue" in f}
    assert refs == {
        "parent": "Base",
        "@componentParent": "SayHello",
        "@instanceParent": instance,
        "@activeInstances": instance,
    }
    assert texts["type"] == "ShellCommandActivity"
    assert texts["command"] == "echo hello"
    assert texts["workerGroup"] == group
    assert texts["mine"] == "yes"
    assert [f["stringValue"] for f in found["fields"] if f["key"] == "shared"] == ["b", "a"]
    assert texts["stage"] == "true"
    assert texts["@sphere"] == "ATTEMPT"
    assert texts["@status"] == "WAITING_FOR_RUNNER"
    assert texts["@pipelineId"] == pipeline
    assert texts["@version"] == "1"
    assert texts["@scheduledStartTime"] == texts["@scheduledEndTime"] == instance[-19:]
    assert texts["@actualStartTime"] >= texts["@scheduledStartTime"]
    assert texts["@attemptCount"] == "1"


def test_the_time_between_reports_is_a_minute_at_most(api):
    """@reportWithin is 60 s, or a third of the timeout if that is shorter, less up to a tenth."""
    group = new_group()
    start(api, activity("Slow", group))
    assert 54 <= float(task_fields(poll(api, group))["@reportWithin"]) <= 60
    start(api, activity("Quick", group, reportProgressTimeout="30 seconds"))
    assert 9 <= float(task_fields(poll(api, group))["@reportWithin"]) <= 10


def test_the_next_attempt_knows_what_the_one_before_reported(api):
    """Its number, a larger fencing token, and the checkpoint as @previous fields."""
    group = new_group()
    start(api, activity("A", group))
    first = poll(api, group)
    fields = [
        {"key": "percentComplete", "stringValue": "10"},
        {"key": "part", "stringValue": "b"},
        {"key": "part", "stringValue": "a"},
        {"key": "near", "refValue": "A"},
    ]
    api.report_task_progress(taskId=first["taskId"], fields=fields)
    api.report_task_progress(
        taskId=first["taskId"], fields=[{"key": "percentComplete", "stringValue": "50"}]
    )
    finish(api, first, "FAILED")
    second = poll(api, group)
    assert second["attemptId"] == first["attemptId"].replace("_Attempt=1", "_Attempt=2")
    assert task_fields(second)["@attemptCount"] == "2"
    tokens = [int(task_fields(task)["@fencingToken"]) for task in (first, second)]
    assert tokens[0] < tokens[1]
    (described,) = second["objects"].values()
    previous = [f for f in described["fields"] if f["key"].startswith("@previous.")]
    assert sorted(previous, key=lambda field: field["key"]) == [
        {"key": "@previous.near", "refValue": "A"},
        {"key": "@previous.part", "stringValue": "b"},
        {"key": "@previous.part", "stringValue": "a"},
        {"key": "@previous.percentComplete", "stringValue": "50"},
    ]


def test_an_empty_poll_is_an_empty_object(api, replica):
    """It is answered when the wait is over, and not before."""
    began = time.monotonic()
    answer = replica.post("PollForTask", {"workerGroup": new_group()})
    assert answer.body == b"{}"
    assert answer.headers["x-coordinator-verdict"] == "accepted"
    assert 0.9 < time.monotonic() - began < 5
    assert "taskObject" not in api.poll_for_task(workerGroup="")


def test_a_poll_that_may_not_wait_looks_once(api, new_replica, replica):
    """With a wait of 0 it is answered at once, with the task that there is or with none."""
    impatient = new_replica(replica.settings["REDIS_URL"], POLL_WAIT=0)
    group = new_group()
    assert impatient.post("PollForTask", {"workerGroup": group}).body == b"{}"
    pipeline = start(api, activity("A", group))
    task = json.loads(impatient.post("PollForTask", {"workerGroup": group}).body)["taskObject"]
    assert task["pipelineId"] == pipeline


@pytest.mark.measure
def test_a_waiting_poll_gets_a_task_as_soon_as_there_is_one(api, replica):
    """The wait of a second is not sat out."""
    group, pipeline = new_group(), create(api)
    put(api, pipeline, activity("A", group))
    took = []

    def wait():
        waiting = replica.client()
        task = poll(waiting, group)
        took.append((time.monotonic(), task["pipelineId"]))
        waiting.close()

    waiter = threading.Thread(target=wait)
    waiter.start()
    began = time.monotonic()
    api.activate_pipeline(pipelineId=pipeline)
    waiter.join(10)
    ((at, got),) = took
    assert got == pipeline
    assert at - began < 0.8


def test_worker_groups_are_exact(api):
    """Neither case nor blanks are overlooked."""
    group = new_group()
    start(api, activity("A", group))
    for other in (group.upper(), f"{group} ", f" {group}", f"{group}\n1"):
        assert "taskObject" not in api.poll_for_task(workerGroup=other)
    assert "taskObject" in api.poll_for_task(workerGroup=group)


def test_any_characters_may_stand_in_a_worker_group(api):
    """Those that separate things inside are no exception."""
    group = f"{new_group()} a:b\n1\tä\U0001f600{{0}}*[]"
    start(api, activity("A", group))
    assert "taskObject" in api.poll_for_task(workerGroup=group)


def test_host_and_identity_are_accepted(api):
    """The host is the attempt's holder; the identity is not used."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = api.poll_for_task(
        workerGroup=group,
        hostname="höst",
        instanceIdentity={"document": "{}", "signature": "x"},
    )["taskObject"]
    (fields,) = describe(api, pipeline, task["attemptId"])
    assert fields["hostname"] == "höst"


def test_a_poll_repeated_after_a_lost_answer_gets_the_same_task(api, replica):
    """The SDK's invocation id names the call; another call gets another task."""
    group = new_group()
    start(api, activity("A", group), activity("B", group))
    call = {"amz-sdk-invocation-id": f"poll {group}", "amz-sdk-request": "attempt=1; max=3"}
    body = {"workerGroup": group, "hostname": "h"}
    first = json.loads(replica.post("PollForTask", body, call).body)["taskObject"]
    call["amz-sdk-request"] = "attempt=2; max=3"
    repeat = json.loads(replica.post("PollForTask", body, call).body)["taskObject"]
    assert repeat["taskId"] == first["taskId"]
    assert task_fields(repeat)["@fencingToken"] == task_fields(first)["@fencingToken"]
    other = poll(api, group)
    assert other["taskId"] != first["taskId"]


def test_a_poll_repeated_after_the_task_was_acknowledged_gets_another(api, replica):
    """The answer was not lost then."""
    group = new_group()
    start(api, activity("A", group), activity("B", group))
    call = {"amz-sdk-invocation-id": f"poll {group}", "amz-sdk-request": "attempt=1; max=3"}
    first = json.loads(replica.post("PollForTask", {"workerGroup": group}, call).body)
    api.report_task_progress(taskId=first["taskObject"]["taskId"])
    call["amz-sdk-request"] = "attempt=2; max=3"
    second = json.loads(replica.post("PollForTask", {"workerGroup": group}, call).body)
    assert second["taskObject"]["attemptId"] != first["taskObject"]["attemptId"]


def test_a_client_that_leaves_takes_no_task(api, replica):
    """Its connection closes while it waits; the next poll gets the task at once."""
    group, pipeline = new_group(), create(api)
    put(api, pipeline, activity("A", group))
    try:
        replica.send(
            "POST",
            "/",
            json.dumps({"workerGroup": group}),
            {
                "X-Amz-Target": "DataPipeline.PollForTask",
                "Content-Type": "application/x-amz-json-1.1",
            },
            timeout=0.2,
        )
    except TimeoutError:
        api.activate_pipeline(pipelineId=pipeline)
    task = poll(api, group)
    finish(api, task)
    assert task["attemptId"].endswith("_Attempt=1")
    assert statuses(api, pipeline) == {"A": "FINISHED"}


def test_a_heartbeat_says_whether_to_end(api, replica):
    """It never has to in this version; group and host are optional."""
    full = {"taskrunnerId": "r-1", "workerGroup": "g", "hostname": "h"}
    assert replica.post("ReportTaskRunnerHeartbeat", full).body == b'{"terminate":false}'
    assert api.report_task_runner_heartbeat(taskrunnerId="é" * 1024)["terminate"] is False
