"""Preconditions: what is checked for whom, what it answers, and what becomes of the activity."""

from __future__ import annotations

import re

import pytest
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
    task_fields,
    values,
)
from waiting import wait_until

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
READY, WAITS, LATER = "WAITING_FOR_RUNNER", "WAITING_ON_DEPENDENCIES", "SCHEDULED"


def precondition(object_id="Check", **fields):
    """A precondition that is checked each second."""
    given = {"type": "ShellCommandPrecondition", "command": "true", "retryDelay": "1 second"}
    return item(object_id, **given | fields)


def guarded(group, **fields):
    """An activity, its precondition, and what depends on the activity."""
    return (
        activity("A", group, precondition=Ref("Check")),
        activity("B", group, dependsOn=Ref("A")),
        precondition(**fields),
    )


def again(api, group):
    """Take a task that is offered again by and by."""
    return wait_until(lambda: api.poll_for_task(workerGroup=group).get("taskObject"))


def of(api, pipeline, component):
    """The instance of a component."""
    (name,) = ids(api, pipeline, "INSTANCE", selector("@componentParent", "REF_EQ", component))
    return name


def shown(api, pipeline, component):
    """The fields of a component's instance."""
    (fields,) = describe(api, pipeline, of(api, pipeline, component))
    return fields


def reason(api, pipeline, component):
    """Why a component's instance waits."""
    return shown(api, pipeline, component).get("@waitingReason")


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
    finish(api, again(api, group), "FALSE", errorMessage="")
    told = rf"was not satisfied at check 2; it is checked again at {TIME}"
    assert re.fullmatch(told, reason(api, pipeline, "Check"))
    task = again(api, group)
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
    task = again(api, group)
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
    api.set_status(pipelineId=pipeline, objectIds=[of(api, pipeline, "A")], status="RERUN")
    assert statuses(api, pipeline) == {"Check": READY, "A": WAITS, "B": WAITS}
    for component in ("Check", "A", "B"):
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@{component}_")
        finish(api, task)


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


def test_its_time_is_over(api):
    """Not satisfied in time it has FAILED, and says what it said last; a rerun has all its time."""
    group = new_group()
    fields = {"preconditionTimeout": "2 seconds", "retryDelay": "1 hour"}
    pipeline = start(api, *guarded(group, **fields))
    finish(api, poll(api, group), "FALSE", errorMessage="no file")
    told = rf"was not satisfied at check 1 \(no file\); it is checked again at {TIME}, until {TIME}"
    assert re.fullmatch(told, reason(api, pipeline, "Check"))
    ended = {"Check": "FAILED", "A": "CASCADE_FAILED", "B": WAITS}
    wait_until(lambda: statuses(api, pipeline) == ended)
    check = shown(api, pipeline, "Check")
    assert check["errorId"] == "PreconditionTimeout"
    assert check["errorMessage"] == "not satisfied within its preconditionTimeout: no file"
    assert "@waitingReason" not in check
    (attempt,) = describe(api, pipeline, check["@headAttempt"])
    assert attempt["@status"] == "FAILED"
    api.set_status(pipelineId=pipeline, objectIds=[of(api, pipeline, "Check")], status="RERUN")
    wait_until(lambda: statuses(api, pipeline) == {"Check": READY, "A": WAITS, "B": WAITS})
    assert "errorId" not in shown(api, pipeline, "Check")
    finish(api, poll(api, group))
    finish(api, poll(api, group))


def test_a_component_that_is_paused(api):
    """PAUSE and RESUME take a precondition that is run, and no other object."""
    group = new_group()
    idle = precondition("Idle")
    pipeline = start(api, *guarded(group), idle)
    api.set_status(pipelineId=pipeline, objectIds=["Check", "B"], status="PAUSE")
    assert statuses(api, pipeline) == {"Check": "PAUSED", "A": WAITS, "B": WAITS}
    (fields,) = describe(api, pipeline, "Check")
    assert fields["@status"] == "PAUSED"
    told = rf"component 'Check' is paused since {TIME}: resume it"
    assert re.fullmatch(told, reason(api, pipeline, "Check"))
    assert reason(api, pipeline, "A") == f"waits for '{of(api, pipeline, 'Check')}' (PAUSED)"
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    with pytest.raises(api.exceptions.InvalidRequestException, match="never run"):
        api.set_status(pipelineId=pipeline, objectIds=["Idle"], status="PAUSE")
    api.set_status(pipelineId=pipeline, objectIds=["Check", "B"], status="RESUME")
    finish(api, poll(api, group))
    assert poll(api, group)["attemptId"].startswith("@A_")


def test_a_paused_one_that_serves_several(api):
    """All its instances are paused, also one that is checked again later."""
    group = new_group()
    work = [activity(name, group, precondition=Ref("Check")) for name in "AB"]
    pipeline = start(api, *work, precondition())
    finish(api, poll(api, group), "FALSE")
    api.set_status(pipelineId=pipeline, objectIds=["Check"], status="PAUSE")
    paused = selector("@status", "EQ", "PAUSED")
    wait_until(lambda: len(ids(api, pipeline, "INSTANCE", paused)) == 2)
    api.set_status(pipelineId=pipeline, objectIds=["Check"], status="RESUME")
    for _ in range(4):
        finish(api, again(api, group))
    assert set(statuses(api, pipeline).values()) == {"FINISHED"}


@pytest.mark.parametrize(
    ("word", "ended"), [("TRY_CANCEL", "CANCELED"), ("MARK_FINISHED", "FINISHED")]
)
@pytest.mark.parametrize("answer", ["", "FALSE"])
def test_an_activity_that_ends_before_its_checks(api, word, ended, answer):
    """Its precondition ends with it, and the pipeline's health is that of the activity."""
    group = new_group()
    pipeline = start(api, *guarded(group))
    task = poll(api, group)
    if answer:
        finish(api, task, answer, errorMessage="no file")
    api.set_status(pipelineId=pipeline, objectIds=[of(api, pipeline, "A")], status=word)
    wait_until(lambda: statuses(api, pipeline)["Check"] == "CANCELED")
    assert statuses(api, pipeline)["A"] == ended
    why = shown(api, pipeline, "Check")["cancellationReason"]
    assert why == "what it was to be checked for has ended"
    if not answer:
        assert api.report_task_progress(taskId=task["taskId"])["canceled"] is True
    if word == "MARK_FINISHED":
        assert pipeline_fields(api, pipeline)["@healthStatus"] == "HEALTHY"
        finish(api, poll(api, group))
        assert statuses(api, pipeline)["B"] == "FINISHED"
        return
    api.set_status(pipelineId=pipeline, objectIds=[of(api, pipeline, "A")], status="RERUN")
    assert statuses(api, pipeline) == {"Check": READY, "A": WAITS, "B": WAITS}
    for component in ("Check", "A", "B"):
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@{component}_")
        finish(api, task)


def test_a_precondition_that_is_marked(api):
    """Marked finished it is satisfied; canceled it fails its activity; a rerun mends that."""
    group = new_group()
    pipeline = start(api, *guarded(group))
    check = of(api, pipeline, "Check")
    api.set_status(pipelineId=pipeline, objectIds=[check], status="TRY_CANCEL")
    wait_until(lambda: statuses(api, pipeline)["A"] == "CASCADE_FAILED")
    assert statuses(api, pipeline) == {"Check": "CANCELED", "A": "CASCADE_FAILED", "B": WAITS}
    api.set_status(pipelineId=pipeline, objectIds=[check], status="RERUN")
    wait_until(lambda: statuses(api, pipeline) == {"Check": READY, "A": WAITS, "B": WAITS})
    api.set_status(pipelineId=pipeline, objectIds=[check], status="MARK_FINISHED")
    wait_until(lambda: statuses(api, pipeline)["A"] == READY)
    assert poll(api, group)["attemptId"].startswith("@A_")


def test_a_rerun_of_what_was_satisfied(api):
    """A precondition that has FINISHED is not checked again with its activity; on its own it is."""
    group = new_group()
    pipeline = start(api, *guarded(group, maximumRetries="0"))
    for _ in range(3):
        finish(api, poll(api, group))
    api.set_status(pipelineId=pipeline, objectIds=[of(api, pipeline, "A")], status="RERUN")
    assert statuses(api, pipeline)["Check"] == "FINISHED"
    finish(api, poll(api, group))
    api.set_status(pipelineId=pipeline, objectIds=[of(api, pipeline, "Check")], status="RERUN")
    finish(api, poll(api, group), "FALSE")
    assert statuses(api, pipeline) == {"Check": LATER, "A": "FINISHED", "B": "FINISHED"}


def test_of_an_interval(api):
    """Each interval has its own checks; they count in the window, and know their times."""
    group, begin = new_group(), ago(2.5)
    pipeline = start(
        api,
        scheduled("A", group, maxActiveInstances="1", precondition=Ref("Check")),
        precondition(command="#{node.@scheduledStartTime} #{@scheduledEndTime}"),
        schedule("1 hour", begin),
    )
    wait_until(lambda: len(ids(api, pipeline)) == 2)
    task = poll(api, group)
    fields = task_fields(task)
    assert task["attemptId"] == f"@Check_{begin}_Attempt=1"
    assert fields["command"] == f"{begin} {fields['@scheduledEndTime']}"
    assert fields["@scheduledEndTime"] > fields["@scheduledStartTime"] == begin
    finish(api, task, "FALSE", errorMessage="no file")
    assert len(ids(api, pipeline)) == 2
    api.deactivate_pipeline(pipelineId=pipeline)
    wait_until(lambda: set(statuses(api, pipeline).values()) == {"CANCELED"})
    api.activate_pipeline(pipelineId=pipeline)
    for component in ("Check", "A"):
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@{component}_{begin}")
        finish(api, task)
    assert poll(api, group)["attemptId"].startswith("@Check_")
    assert len(ids(api, pipeline)) == 4


def test_deactivated_while_it_is_checked(api):
    """Without a cancel a check that is due waits for the activation; FALSE is still taken."""
    group = new_group()
    pipeline = start(api, *guarded(group))
    task = poll(api, group)
    api.deactivate_pipeline(pipelineId=pipeline, cancelActive=False)
    finish(api, task, "FALSE", errorMessage="no file")
    wait_until(lambda: statuses(api, pipeline)["Check"] == READY)
    assert reason(api, pipeline, "Check") == "the pipeline is deactivated: activate it to go on"
    api.activate_pipeline(pipelineId=pipeline)
    finish(api, poll(api, group))
    finish(api, poll(api, group))
    api.deactivate_pipeline(pipelineId=pipeline)
    api.activate_pipeline(pipelineId=pipeline)
    task = poll(api, group)
    api.deactivate_pipeline(pipelineId=pipeline)
    finish(api, task, "FALSE", errorMessage="no file")
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is True


def test_deleted_while_it_is_checked(api):
    """A FALSE of a deleted pipeline is told so, and nothing comes again."""
    group = new_group()
    pipeline = start(api, *guarded(group))
    task = poll(api, group)
    api.delete_pipeline(pipelineId=pipeline)
    with pytest.raises(api.exceptions.PipelineDeletedException):
        finish(api, task, "FALSE")
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is True
