"""Preconditions out of time, paused, marked, run again; activities that end before their checks."""

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
    new_group,
    pipeline_fields,
    poll,
    schedule,
    scheduled,
    selector,
    start,
    statuses,
    task_fields,
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


def test_its_time_is_over(api):
    """Not satisfied in time it has FAILED, and says what it said last; a rerun has all its time."""
    group = new_group()
    fields = {"preconditionTimeout": "5 seconds", "retryDelay": "1 hour"}
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
        finish(api, poll(api, group))
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
    rerun_is_checked_again(api, group, pipeline)


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
