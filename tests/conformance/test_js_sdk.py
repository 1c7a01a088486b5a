"""The AWS SDK for JavaScript v3: a task's calls, typed errors, paginators."""

from __future__ import annotations

import uuid

import pytest
from installed_clients import run_script
from pipelines import activity, create, describe, finish, ids, new_group, poll, put, start

UNKNOWN = "df-AAAA7777777777777777"
INVALID, TASK = "InvalidRequestException", "TaskNotFoundException"
NOT_FOUND, DELETED = "PipelineNotFoundException", "PipelineDeletedException"


def test_a_task_from_poll_to_result(api, replica):
    """Every member is where the SDK's types have it; a report is answered, an empty poll is one."""
    group = new_group()
    given = {"unique": uuid.uuid4().hex, "group": group, "empty": new_group()}
    said = run_script(replica, "task.mjs", given)
    task, pipeline = said["taskObject"], said["pipelineId"]
    assert said["made"]["$metadata"]["requestId"]
    assert (said["put"]["errored"], said["put"]["validationErrors"]) == (False, [])
    assert task["pipelineId"] == pipeline
    (handed,) = task["objects"].values()
    assert {"key": "command", "stringValue": "echo hello"} in handed["fields"]
    assert said["report"]["canceled"] is False
    assert said["heartbeat"]["terminate"] is False
    assert set(said["after"]) == {"$metadata"}
    (attempt,) = describe(api, pipeline, task["attemptId"])
    assert (attempt["@status"], attempt["hostname"]) == ("FAILED", "node")
    assert (attempt["errorId"], attempt["errorMessage"]) == ("E", "\ufffd")
    assert len(attempt["errorStackTrace"]) <= 1024


@pytest.fixture(scope="module")
def refused(api, replica):
    """Calls that are refused, by the error that each is to raise, with what the SDK made of it."""
    group = new_group()
    gone = start(api, activity("A", group))
    task = poll(api, group)
    finish(api, task)
    api.delete_pipeline(pipelineId=gone)
    there = create(api)
    put(api, there, activity("A", new_group()))
    calls = [
        (TASK, "ReportTaskProgress", {"taskId": "unknown"}),
        (TASK, "SetTaskStatus", {"taskId": "unknown", "taskStatus": "FINISHED"}),
        (DELETED, "ReportTaskProgress", {"taskId": task["taskId"]}),
        (DELETED, "ActivatePipeline", {"pipelineId": gone}),
        (NOT_FOUND, "ActivatePipeline", {"pipelineId": UNKNOWN}),
        (NOT_FOUND, "AddTags", {"pipelineId": UNKNOWN, "tags": []}),
        (INVALID, "QueryObjects", {"pipelineId": there, "sphere": "PIPELINE"}),
        (INVALID, "PollForTask", {"workerGroup": "\x07"}),
        (INVALID, "CreatePipeline", {"name": "n"}),
    ]
    found = run_script(replica, "errors.mjs", [call[1:] for call in calls])
    return [(call[0], said) for call, said in zip(calls, found, strict=True)]


def test_errors_are_instances_of_their_classes(refused):
    """Callers match them by instanceof, and find the request id and a sentence in them."""
    for error, said in refused:
        assert said["name"] == error
        assert said["typed"], said
        assert said["ofService"]
        assert (said["fault"], said["status"]) == ("client", 400)
        assert said["requestId"]
        assert said["message"].endswith(".")


def test_paginators_end(api, replica):
    """Every id comes once, pages have the size asked for, and there is no page after the last."""
    pipeline = start(api, *(activity(f"A{n}", new_group()) for n in range(120)))
    said = run_script(replica, "pages.mjs", {"pipelineId": pipeline})
    assert [len(page) for page in said["ids"]] == [40, 40, 40]
    names = [name for page in said["ids"] for name in page]
    assert names == ids(api, pipeline, limit=120)
    assert said["empty"] == [[]]
    assert [len(page) for page in said["objects"]] == [100, 20]
    assert [name for page in said["objects"] for name in page] == names
    listed = [row["id"] for page in said["pipelines"] for row in page]
    assert len(listed) == len(set(listed))
    assert pipeline in listed
