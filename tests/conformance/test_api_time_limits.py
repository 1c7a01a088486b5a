"""Time limits of instances and their actions: lateness, attempts, alarms; and deletion."""

from __future__ import annotations

import pytest
from alarming import Receiver, alarm
from pipelines import (
    Ref,
    activity,
    ago,
    describe,
    finish,
    ids,
    item,
    new_group,
    pipeline_fields,
    poll,
    schedule,
    scheduled,
    selector,
    start,
    statuses,
)
from waiting import wait_until

HOUR = "1 hour"


def of(api, pipeline, component):
    """The fields of the only instance of a component."""
    wanted = selector("@componentParent", "REF_EQ", component)
    (fields,) = describe(api, pipeline, *ids(api, pipeline, "INSTANCE", wanted))
    return fields


@pytest.fixture(scope="module")
def heard():
    """A receiver of alarms."""
    receiver = Receiver()
    yield receiver
    receiver.stop()


def test_late(api):
    """What nobody has begun in time is late and says so; it is run all the same."""
    group = new_group()
    pipeline = start(
        api,
        scheduled("A", group, lateAfterTimeout="1 second"),
        scheduled("B", group, lateAfterTimeout="3 hours", dependsOn=Ref("A")),
        schedule(HOUR, ago(1), occurrences="1"),
    )
    late = "; it is late"
    wait_until(lambda: statuses(api, pipeline))
    wait_until(lambda: of(api, pipeline, "A")["@waitingReason"].endswith(late))
    assert not of(api, pipeline, "B")["@waitingReason"].endswith(late)
    assert of(api, pipeline, "A")["@status"] == "WAITING_FOR_RUNNER"
    task = poll(api, group)
    api.report_task_progress(taskId=task["taskId"])
    assert of(api, pipeline, "A")["@status"] == "RUNNING"
    finish(api, task)
    assert "@waitingReason" not in of(api, pipeline, "A")


def test_terminate(api):
    """With Terminate what is late is canceled, and its preconditions with it; on demand nothing."""
    group = new_group()
    limits = {"lateAfterTimeout": "1 second", "onLateAction": Ref("Stop")}
    stop = item("Stop", type="Terminate")
    check = {"type": "ShellCommandPrecondition", "command": "true", "retryDelay": HOUR}
    pipeline = start(
        api,
        scheduled("A", group, precondition=Ref("Check"), **limits),
        scheduled("B", group, dependsOn=Ref("A")),
        schedule(HOUR, ago(0.5), occurrences="1"),
        item("Check", **check),
        stop,
    )
    ended = {"A": "CANCELED", "Check": "CANCELED", "B": "WAITING_ON_DEPENDENCIES"}
    wait_until(lambda: statuses(api, pipeline) == ended)
    why = "it had not begun when its lateAfterTimeout was over"
    assert of(api, pipeline, "A")["cancellationReason"] == why
    assert pipeline_fields(api, pipeline)["@healthStatus"] == "ERROR"
    assert "which is CANCELED: rerun it or" in of(api, pipeline, "B")["@waitingReason"]
    name = of(api, pipeline, "B")["@waitingOn"]
    api.set_status(pipelineId=pipeline, objectIds=[name], status="RERUN")
    for _ in range(3):
        finish(api, poll(api, group))
    wait_until(lambda: pipeline_fields(api, pipeline)["@pipelineState"] == "FINISHED")
    assert pipeline_fields(api, pipeline)["@healthStatus"] == "HEALTHY"
    on_demand = start(api, activity("A", group, **limits), stop)
    assert statuses(api, on_demand) == {"A": "WAITING_FOR_RUNNER"}


def test_an_attempt_that_takes_too_long(api):
    """Over its attemptTimeout an attempt has failed, and the next is offered."""
    group = new_group()
    pipeline = start(api, activity("A", group, attemptTimeout="3 seconds", maximumRetries="1"))
    for number in (1, 2):
        task = poll(api, group)
        assert task["attemptId"].endswith(f"_Attempt={number}")
        api.report_task_progress(taskId=task["taskId"])
        wait_until(lambda: api.report_task_progress(taskId=task["taskId"])["canceled"])  # noqa: B023 - called in this round
    wait_until(lambda: statuses(api, pipeline) == {"A": "FAILED"})
    fields = of(api, pipeline, "A")
    assert fields["errorId"] == "AttemptTimeout"
    assert fields["@triesLeft"] == "0"
    with pytest.raises(api.exceptions.TaskNotFoundException, match="lease"):
        finish(api, task)


def test_alarms(api, heard):
    """What fails, succeeds and is late in an interval is told, with its times and in its words."""
    group, begin = new_group(), ago(1)
    topic = {"topicArn": heard.url}
    actions = {"onFail": Ref("Bad"), "onSuccess": Ref("Good")}
    say = "#{node.@scheduledStartTime} #{node.@status}"
    pipeline = start(
        api,
        scheduled("A", group, **actions),
        scheduled("B", group, **actions, dependsOn=Ref("A"), maximumRetries="0"),
        scheduled("C", new_group(), lateAfterTimeout="1 second", onLateAction=Ref("Late")),
        schedule(HOUR, begin, occurrences="1"),
        alarm("Good", message=say, **topic),
        alarm("Bad", message=say + " #{node.errorMessage}", **topic),
        alarm("Late", message=say, **topic),
    )
    finish(api, poll(api, group))
    finish(api, poll(api, group), "FAILED", errorId="Odd", errorMessage="it broke")
    wait_until(lambda: len(heard.events) == 3)
    found = {event["data"]["event"]: event["data"] for event in heard.events}
    assert found["success"]["message"] == f"{begin} FINISHED"
    assert found["fail"]["message"] == f"{begin} FAILED it broke"
    assert found["fail"]["instanceId"] == f"@B_{begin}"
    assert found["late"]["componentId"] == "C"
    assert found["late"]["scheduledEndTime"] > found["late"]["scheduledStartTime"] == begin
    wait_until(lambda: "@pendingAlarms" not in pipeline_fields(api, pipeline))


def test_deleted_while_all_this_goes_on(api):
    """Nothing is handed out any more, nothing begins, and who runs something is told."""
    group, other = new_group(), new_group()
    check = {"type": "ShellCommandPrecondition", "command": "true", "retryDelay": "1 second"}
    pipeline = start(
        api,
        scheduled("A", group, attemptTimeout="1 second"),
        scheduled("B", other, precondition=Ref("Check"), lateAfterTimeout="1 second"),
        scheduled("Long", group, schedule=Ref("L"), dependsOn=Ref("A")),
        schedule("1 second"),
        schedule("1 minute", "", "L"),
        item("Check", preconditionTimeout="5 seconds", **check),
    )
    task = poll(api, group)
    finish(api, poll(api, other), "FALSE")
    api.delete_pipeline(pipelineId=pipeline)
    with pytest.raises(api.exceptions.PipelineDeletedException):
        api.activate_pipeline(pipelineId=pipeline)
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is True
    for name in (group, other):
        assert "taskObject" not in api.poll_for_task(workerGroup=name)
