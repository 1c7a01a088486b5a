"""The aws CLI as a task runner: poll, report, results, heartbeat."""

from __future__ import annotations

import json

import pytest
from installed_clients import AwsCli, AwsError
from pipelines import activity, describe, new_group, start


@pytest.fixture
def aws(replica, tmp_path):
    """The aws CLI in a directory of its own."""
    return AwsCli(replica, tmp_path)


def test_a_task_is_taken_reported_and_finished(aws, api):
    """The shorthand of fields is what the reference shows; the second result is refused."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = aws("poll-for-task", "--worker-group", group, "--hostname", "cli")["taskObject"]
    assert task["pipelineId"] == pipeline
    handle = ["--task-id", task["taskId"]]
    fields = ["--fields", "key=percentComplete,stringValue=50", "key=next,refValue=A"]
    assert aws("report-task-progress", *handle, *fields) == {"canceled": False}
    (attempt,) = describe(api, pipeline, task["attemptId"])
    assert (attempt["percentComplete"], attempt["next"]) == ("50", "A")
    assert attempt["hostname"] == "cli"
    assert aws("set-task-status", *handle, "--task-status", "FINISHED") == {}
    with pytest.raises(AwsError, match="InvalidRequestException"):
        aws("set-task-status", *handle, "--task-status", "FAILED", "--error-id", "E")


def test_an_empty_poll_prints_nothing(aws):
    """There is no task object, and no error."""
    assert aws("poll-for-task", "--worker-group", new_group()) == {}


def test_a_filled_skeleton_is_a_report(aws, api, tmp_path):
    """What --generate-cli-skeleton prints can be sent with --cli-input-json once it is filled."""
    group = new_group()
    start(api, activity("A", group))
    handle = api.poll_for_task(workerGroup=group)["taskObject"]["taskId"]
    skeleton = aws("report-task-progress", "--generate-cli-skeleton")
    assert set(skeleton) == {"taskId", "fields"}
    assert [set(field) for field in skeleton["fields"]] == [{"key", "stringValue", "refValue"}]
    skeleton["taskId"] = handle
    skeleton["fields"] = [{"key": "percentComplete", "stringValue": "75"}]
    (tmp_path / "report.json").write_text(json.dumps(skeleton))
    filled = ["--cli-input-json", "file://report.json"]
    assert aws("report-task-progress", *filled) == {"canceled": False}


def test_a_heartbeat_lets_the_runner_go_on(aws):
    """With all members."""
    said = ["--taskrunner-id", "cli-1", "--worker-group", "g", "--hostname", "here"]
    assert aws("report-task-runner-heartbeat", *said) == {"terminate": False}


def test_an_unknown_task_is_named_so(aws):
    """The error's name is the model's."""
    with pytest.raises(AwsError, match=r"\(TaskNotFoundException\)"):
        aws("report-task-progress", "--task-id", "unknown")
