"""Signed calls: whose they are, and what the roles of a credential let it do."""

from __future__ import annotations

import json
import uuid

import pytest
from gate import PAIRS, error
from pipelines import activity, every_call, finish, ids, new_group, poll, put, start

from coordinator.domain.credentials import READS, TASK_CALLS
from coordinator.wire.operations import OPERATIONS

UNKNOWN = "df-AAAA7777777777777777"
DENIED = "AccessDeniedException"


def test_a_pipeline_from_its_creation_to_its_end(api_of):
    """An operator makes it, a runner works on it, a viewer looks."""
    operator, runner, viewer = map(api_of, ("operator", "runner", "viewer"))
    group = f"etl-{new_group()}"
    pipeline = start(operator, activity("A", group))
    handed = poll(runner, group)
    assert runner.report_task_progress(taskId=handed["taskId"])["canceled"] is False
    assert not runner.report_task_runner_heartbeat(taskrunnerId="r", workerGroup=group)["terminate"]
    finish(runner, handed)
    assert len(ids(viewer, pipeline)) == 1
    (described,) = viewer.describe_pipelines(pipelineIds=[pipeline])["pipelineDescriptionList"]
    assert {"key": "@accountId", "stringValue": "data"} in described["fields"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("who", ["viewer", "runner", "operator", "anywhere"])
def test_each_role_has_its_operations(gate, who, operation):
    """What it may not do is refused by name, with the role that may, and changes nothing."""
    calls = {"viewer": READS, "runner": TASK_CALLS, "anywhere": READS | TASK_CALLS}
    members = every_call(UNKNOWN, "unknown")[operation]
    if operation == "PollForTask":
        members = {"workerGroup": f"etl-{new_group()}"}
    before = gate.state()
    answer = gate.call(who, operation, members)
    if who == "operator" or operation in calls[who]:
        assert answer.status == 200 or error(answer)[0] != DENIED
        return
    name, sentence = error(answer)
    assert name == DENIED
    assert f"User: {PAIRS[who].access_key} is not" in sentence
    assert f"datapipeline:{operation}:" in sentence
    assert "operator" in sentence
    assert gate.state() == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_account_is_a_wall(gate, task, operation):
    """Its pipelines and handles are as unknown as those that nobody has."""
    pipeline, _, handle = task
    before = gate.state()
    members = every_call(pipeline, handle)[operation]
    if operation in {"CreatePipeline", "ListPipelines", "PollForTask", "ReportTaskRunnerHeartbeat"}:
        return  # they name nothing; below
    name, _ = error(gate.call("stranger", operation, members))
    assert name == ("TaskNotFoundException" if "taskId" in members else "PipelineNotFoundException")
    assert gate.state() == before


def test_what_accounts_share_is_nothing(api_of):
    """Not the list, nor names, nor worker groups, nor who polls them."""
    ours, theirs = api_of("operator"), api_of("stranger")
    same, group = uuid.uuid4().hex, f"etl-{new_group()}"
    first = ours.create_pipeline(name="n", uniqueId=same)["pipelineId"]
    second = theirs.create_pipeline(name="n", uniqueId=same)["pipelineId"]
    assert first != second
    listed = [
        {row["id"] for row in who.list_pipelines()["pipelineIdList"]} for who in (ours, theirs)
    ]
    assert first in listed[0] - listed[1]
    assert second in listed[1] - listed[0]
    put(ours, first, activity("A", group))
    ours.activate_pipeline(pipelineId=first)
    assert "taskObject" not in theirs.poll_for_task(workerGroup=group)
    assert poll(ours, group)["pipelineId"] == first


def test_a_runner_works_for_its_groups_only(gate, task):
    """Polls, heartbeats, reports and results of others are refused, and change nothing."""
    _, group, handle = task
    before = gate.state()
    calls = {
        "PollForTask": {"workerGroup": group},
        "ReportTaskRunnerHeartbeat": {"taskrunnerId": "r", "workerGroup": group},
        "ReportTaskProgress": {"taskId": handle},
        "SetTaskStatus": {"taskId": handle, "taskStatus": "FINISHED"},
    }
    for operation, members in calls.items():
        name, sentence = error(gate.call("others", operation, members))
        assert name == DENIED
        named = f"worker group '{group}'" if "workerGroup" in members else "this worker group"
        assert f"datapipeline:{operation} in {named}: it needs" in sentence
        assert "role runner" in sentence
    assert gate.state() == before
    assert gate.call("others", "PollForTask", {"workerGroup": "etl"}).status == 200
    assert gate.call("others", "ReportTaskRunnerHeartbeat", {"taskrunnerId": "r"}).status == 200
    assert gate.call("anywhere", "ReportTaskProgress", {"taskId": handle}).status == 200


def test_two_keys_of_a_runner(gate, task):
    """One may go on where the other has begun: that is how keys are replaced."""
    handle = task[2]
    assert gate.call("rotated", "ReportTaskProgress", {"taskId": handle}).status == 200
    done = {"taskId": handle, "taskStatus": "FINISHED"}
    assert gate.call("rotated", "SetTaskStatus", done).status == 200


def test_repeats_are_known_by_the_access_key(gate, api_of):
    """The same invocation id of another key is another call."""
    group = f"etl-{new_group()}"
    start(api_of("operator"), activity("A", group))
    members, invocation = {"workerGroup": group}, {"amz-sdk-invocation-id": uuid.uuid4().hex}
    again = invocation | {"amz-sdk-request": "attempt=2; max=3"}
    handed = json.loads(gate.call("runner", "PollForTask", members, None, invocation).body)
    assert json.loads(gate.call("rotated", "PollForTask", members, None, again).body) == {}
    repeated = json.loads(gate.call("runner", "PollForTask", members, None, again).body)
    assert repeated["taskObject"]["taskId"] == handed["taskObject"]["taskId"]
