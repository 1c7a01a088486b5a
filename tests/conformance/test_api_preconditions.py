"""Preconditions: what is checked for whom, what it answers, and what becomes of the activity."""

from __future__ import annotations

import re

import pytest
from pipelines import (
    Ref,
    activity,
    describe,
    finish,
    ids,
    item,
    new_group,
    pipeline_fields,
    poll,
    selector,
    start,
    statuses,
    task_fields,
    values,
)
from preconditions import (
    LATER,
    READY,
    TIME,
    WAITS,
    guarded,
    of,
    precondition,
    reason,
    rerun_is_checked_again,
    shown,
)
from waiting import wait_until


def test_it_is_asked_until_it_is_satisfied(api, replica):
    """FALSE is an answer like others, repeats of it too; then the activity is handed out."""
    group = new_group()
    pipeline = start(api, *guarded(group))
    task = poll(api, group)
    assert task["attemptId"] == f"{of(api, pipeline, 'Check')}_Attempt=1"
    assert task_fields(task)["@componentParent"] == "Check"
    assert task_fields(task)["type"] == "ShellCommandPrecondition"
    assert statuses(api, pipeline) == {"A": WAITS, "B": WAITS, "Check": READY}
    api.report_task_progress(taskId=task["taskId"])
    assert statuses(api, pipeline)["Check"] == "RUNNING"
    said = {"taskId": task["taskId"], "taskStatus": "FALSE", "errorMessage": "no file"}
    for verdict in ("accepted", "repeat"):
        answer = replica.post("SetTaskStatus", said)
        assert (answer.status, answer.body) == (200, b"{}")
        assert answer.headers["x-coordinator-verdict"] == verdict
    with pytest.raises(api.exceptions.InvalidRequestException):
        finish(api, task)
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is False
    check = of(api, pipeline, "Check")
    assert statuses(api, pipeline)["Check"] == LATER
    told = rf"was not satisfied at check 1 \(no file\); it is checked again at {TIME}"
    assert re.fullmatch(told, reason(api, pipeline, "Check"))
    assert re.fullmatch(f"waits for '{check}', which {told}", reason(api, pipeline, "A"))
    assert ids(api, pipeline, "INSTANCE", selector("@status", "EQ", LATER)) == [check]
    finish(api, poll(api, group), "FALSE", errorMessage="")
    told = rf"was not satisfied at check 2; it is checked again at {TIME}"
    assert re.fullmatch(told, reason(api, pipeline, "Check"))
    task = poll(api, group)
    assert task["attemptId"] == f"{check}_Attempt=1"
    finish(api, task)
    for component in "AB":
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@{component}_")
        finish(api, task)
    assert set(statuses(api, pipeline).values()) == {"FINISHED"}
    assert pipeline_fields(api, pipeline)["@healthStatus"] == "HEALTHY"


def test_what_it_reports(api):
    """The next check knows what the one before has reported; the limits are those of an attempt."""
    group = new_group()
    start(api, *guarded(group))
    task = poll(api, group)
    pages = [{"key": "pages", "stringValue": "p" * 10_000} for _ in range(20)]
    api.report_task_progress(taskId=task["taskId"], fields=pages)
    finish(api, task, "FALSE", errorMessage="w" * 20_000)
    task = poll(api, group)
    assert task_fields(task)["@previous.pages"] == "p" * 10_000
    assert task_fields(task)["@attemptCount"] == "1"
    api.report_task_progress(taskId=task["taskId"], fields=pages)
    more = [{**page, "key": "more"} for page in pages]
    with pytest.raises(api.exceptions.InvalidRequestException, match="262144"):
        api.report_task_progress(taskId=task["taskId"], fields=more)
    finish(api, task)


def test_an_activity_has_no_such_answer(api):
    """FALSE is refused, and its lease goes on."""
    group = new_group()
    start(api, activity("A", group))
    task = poll(api, group)
    with pytest.raises(api.exceptions.InvalidRequestException, match="precondition"):
        finish(api, task, "FALSE")
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is False


def test_it_begins_behind_what_its_activity_needs(api):
    """The makers of the data come before the checks of it."""
    group = new_group()
    pipeline = start(
        api,
        activity("Make", group, output=Ref("Data")),
        activity("Use", group, input=Ref("Data")),
        item("Data", type="S3DataNode", filePath="s3://b/f", precondition=Ref("Check")),
        precondition(),
    )
    assert statuses(api, pipeline) == {"Make": READY, "Check": WAITS, "Use": WAITS}
    assert of(api, pipeline, "Make") in reason(api, pipeline, "Check")
    for component in ("Make", "Check", "Use"):
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@{component}_")
        finish(api, task)


def test_one_for_several_activities(api):
    """Each has an instance of its own, and `node` is the activity, or the data node that has it."""
    groups = {name: new_group() for name in ("One", "Two", "Own")}
    pipeline = start(
        api,
        activity("One", groups["One"], precondition=Ref("Check"), say="hello"),
        activity("Two", groups["Two"], input=Ref("Data")),
        item(
            "Data", type="S3DataNode", filePath="s3://b/#{@id}", precondition=Ref("Check"), say="1"
        ),
        activity("Three", groups["Two"], precondition=Ref("Alone")),
        precondition(command="test #{node.say} #{node.@scheduledStartTime} #{@scheduledEndTime}"),
        precondition("Alone", workerGroup=groups["Own"]),
    )
    found = ids(api, pipeline)
    assert {name[1:].rpartition("_")[0] for name in found} == {
        *("One", "Two", "Three", "Check_One", "Check_Two", "Alone"),
    }
    both = ids(api, pipeline, "INSTANCE", selector("@componentParent", "REF_EQ", "Check"))
    for name, node, say in (("One", "One", "hello"), ("Two", "Data", "1")):
        task = poll(api, groups[name])
        assert task["attemptId"] in {f"{check}_Attempt=1" for check in both}
        fields = task_fields(task)
        assert fields["node"] == node
        at = fields["@scheduledStartTime"]
        assert fields["command"] == f"test {say} {at} {at}"
        assert values(task["objects"][node])["say"] == say
        instance = task["attemptId"].removesuffix("_Attempt=1")
        (row,) = api.describe_objects(
            pipelineId=pipeline, objectIds=[instance], evaluateExpressions=True
        )["pipelineObjects"]
        assert values(row)["command"] == fields["command"]
        text = api.evaluate_expression(
            pipelineId=pipeline, objectId=instance, expression="#{node.say}"
        )
        assert text["evaluatedExpression"] == say
    assert poll(api, groups["Own"])["attemptId"].startswith("@Alone_")
    (fields,) = describe(api, pipeline, "Check")
    assert fields["@sphere"] == "COMPONENT"
    with pytest.raises(api.exceptions.InvalidRequestException):
        describe(api, pipeline, "Check_One")


def test_it_fails(api):
    """Over its maximumRetries it fails its activity, whatever the mode; not what waits for that."""
    group = new_group()
    pipeline = start(api, *guarded(group, maximumRetries="1", retryDelay="0 seconds"))
    finish(api, poll(api, group), "FAILED", errorId="Odd", errorMessage="cannot look")
    task = poll(api, group)
    assert task["attemptId"].endswith("_Attempt=2")
    finish(api, task, "FAILED", errorId="Odd")
    wait_until(lambda: statuses(api, pipeline)["A"] == "CASCADE_FAILED")
    assert statuses(api, pipeline) == {"Check": "FAILED", "A": "CASCADE_FAILED", "B": WAITS}
    check = of(api, pipeline, "Check")
    assert shown(api, pipeline, "A")["@cascadeFailedOn"] == check
    assert pipeline_fields(api, pipeline)["@healthStatusFromInstanceId"] == check
    told = f"waits for '{of(api, pipeline, 'A')}', which is CASCADE_FAILED: rerun it or mark it"
    assert reason(api, pipeline, "B") == f"{told} finished"
    # Run again, the activity has its precondition checked again.
    rerun_is_checked_again(api, group, pipeline)


def test_one_of_several_fails(api):
    """The others end with it, and a rerun of the one that failed has them checked again too."""
    group = new_group()
    inputs = [Ref("In"), Ref("Other")]
    data = {"type": "S3DataNode", "filePath": "s3://b/f", "precondition": Ref("There")}
    pipeline = start(
        api,
        activity("A", group, precondition=Ref("Check"), input=inputs),
        item("In", **data),
        item("Other", **data),
        precondition(maximumRetries="0"),
        precondition("There"),
    )
    found = {name[1:].rpartition("_")[0] for name in ids(api, pipeline)}
    assert found == {"A", "Check", "There_A_In", "There_A_Other"}
    task = poll(api, group)
    assert task["attemptId"].startswith("@Check_")
    finish(api, poll(api, group))
    finish(api, task, "FAILED")
    ended = selector("@status", "EQ", "CANCELED")
    wait_until(
        lambda: [n[1:14] for n in ids(api, pipeline, "INSTANCE", ended)] == ["There_A_Other"]
    )
    assert shown(api, pipeline, "A")["@status"] == "CASCADE_FAILED"
    api.set_status(pipelineId=pipeline, objectIds=[of(api, pipeline, "Check")], status="RERUN")
    wait_until(lambda: shown(api, pipeline, "A")["@status"] == WAITS)
    for component in ("Check", "There_A_Other", "A"):
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@{component}_")
        finish(api, task)
