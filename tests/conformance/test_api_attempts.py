"""Retries, timeouts, dependencies and worker groups, as definitions ask for them."""

from __future__ import annotations

import time

import pytest
from pipelines import (
    Ref,
    activity,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    start,
    statuses,
    task_fields,
)
from waiting import wait_until


@pytest.fixture
def group():
    """A worker group of the test's own."""
    return new_group()


@pytest.mark.parametrize(("given", "attempts"), [({}, 3), ({"maximumRetries": "0"}, 1)])
def test_a_failing_task_is_tried_as_often_as_allowed(api, group, given, attempts):
    """Two retries, unless the object says otherwise; then the instance has failed."""
    pipeline = start(api, activity("A", group, **given))
    for number in range(1, attempts + 1):
        task = poll(api, group)
        assert task["attemptId"].endswith(f"_Attempt={number}")
        finish(api, task, "FAILED")
    assert statuses(api, pipeline) == {"A": "FAILED"}
    assert "taskObject" not in api.poll_for_task(workerGroup=group)


def test_a_retry_waits_for_its_delay(api, group):
    """The instance is SCHEDULED until then."""
    pipeline = start(api, activity("A", group, retryDelay="3 seconds"))
    first, began = poll(api, group), time.monotonic()
    finish(api, first, "FAILED")
    assert statuses(api, pipeline) == {"A": "SCHEDULED"}
    again = poll(api, group)
    assert 2.9 < time.monotonic() - began < 15
    assert again["attemptId"].endswith("_Attempt=2")


@pytest.mark.parametrize("reporting", [True, False])
def test_an_attempt_over_its_time_is_failed_and_tried_again(api, group, reporting):
    """The attemptTimeout ends it however alive its runner is, and uses up a retry."""
    pipeline = start(api, activity("A", group, attemptTimeout="3 seconds", maximumRetries="1"))
    for number in (1, 2):
        task = poll(api, group)
        assert task["attemptId"].endswith(f"_Attempt={number}")
        api.report_task_progress(taskId=task["taskId"])
        wait_until(
            lambda task=task: (
                (reporting and api.report_task_progress(taskId=task["taskId"])["canceled"])
                or describe(api, pipeline, task["attemptId"])[0]["@status"] == "FAILED"
            )
        )
    (fields,) = describe(api, pipeline, *ids(api, pipeline))
    assert (fields["@status"], fields["errorId"]) == ("FAILED", "AttemptTimeout")


def test_an_attempt_nobody_acknowledged_uses_up_no_retry(api, group):
    """However short the attemptTimeout: the hand-out may never have arrived."""
    start(api, activity("A", group, attemptTimeout="1 second", maximumRetries="0"))
    first = poll(api, group)
    again = poll(api, group)
    assert again["attemptId"] == first["attemptId"]
    assert again["taskId"] != first["taskId"]


@pytest.mark.parametrize("place", ["own", "Default", "parent"])
def test_the_progress_timeout_is_the_objects_or_inherited(api, group, place):
    """A silent task is taken after it, and offered again at once, without using up a retry."""
    timeout = {"reportProgressTimeout": "1 second"}
    objects = {
        "own": [activity("A", group, maximumRetries="0", **timeout)],
        "Default": [item("Default", **timeout), activity("A", group, maximumRetries="0")],
        "parent": [
            item("Default", reportProgressTimeout="1 hour"),
            item("Base", **timeout),
            activity("A", group, maximumRetries="0", parent=Ref("Base")),
        ],
    }[place]
    pipeline = start(api, *objects)
    silent = poll(api, group)
    began = time.monotonic()
    api.report_task_progress(taskId=silent["taskId"])
    again = poll(api, group)
    assert 0.9 < time.monotonic() - began < 15
    assert again["attemptId"].endswith("_Attempt=2")
    (lost,) = describe(api, pipeline, silent["attemptId"])
    assert (lost["@status"], lost["errorId"]) == ("FAILED", "ProgressTimeout")
    finish(api, again)
    assert statuses(api, pipeline) == {"A": "FINISHED"}


def test_a_task_never_acknowledged_is_offered_again_as_the_same_attempt(
    api, group, new_replica, replica
):
    """With a new handle; the old one is superseded."""
    hasty = new_replica(replica.settings["REDIS_URL"], ACK_TIMEOUT=0.1).client()
    start(api, activity("A", group))
    first = poll(hasty, group)
    second = poll(api, group)
    assert second["attemptId"] == first["attemptId"]
    assert second["taskId"] != first["taskId"]
    assert int(task_fields(second)["@fencingToken"]) > int(task_fields(first)["@fencingToken"])
    assert hasty.report_task_progress(taskId=first["taskId"])["canceled"] is True
    assert hasty.report_task_progress(taskId=second["taskId"])["canceled"] is False
    hasty.close()


def test_dependents_wait_for_all_that_they_depend_on(api, group):
    """A dependent is ready when the last of them is finished."""
    pipeline = start(
        api,
        activity("C", group, dependsOn=[Ref("A"), Ref("B")]),
        activity("A", group),
        activity("B", group),
    )
    one, two = poll(api, group), poll(api, group)
    finish(api, one)
    assert statuses(api, pipeline)["C"] == "WAITING_ON_DEPENDENCIES"
    finish(api, two)
    assert poll(api, group)["attemptId"].startswith("@C_")


def test_dependents_of_a_failed_task_wait_until_it_is_run_again(api, group):
    """The failureAndRerunMode is none: nothing cascades."""
    pipeline = start(
        api,
        activity("A", group, maximumRetries="0"),
        activity("B", group, dependsOn=Ref("A")),
    )
    failed = poll(api, group)
    finish(api, failed, "FAILED")
    assert statuses(api, pipeline) == {"A": "FAILED", "B": "WAITING_ON_DEPENDENCIES"}
    (name, _) = ids(api, pipeline)
    api.set_status(pipelineId=pipeline, objectIds=[name], status="RERUN")
    finish(api, poll(api, group))
    assert poll(api, group)["attemptId"].startswith("@B_")


def test_a_thousand_dependents_are_released(api, group):
    """More than one script does at once."""
    start(
        api,
        activity("A", group),
        *(activity(f"B{n}", f"{group} b", dependsOn=Ref("A")) for n in range(999)),
    )
    finish(api, poll(api, group))
    task = poll(api, f"{group} b")
    pipeline = task["pipelineId"]
    waiting = {
        "fieldName": "@status",
        "operator": {"type": "EQ", "values": ["WAITING_ON_DEPENDENCIES"]},
    }
    wait_until(lambda: ids(api, pipeline, "INSTANCE", waiting) == [])


@pytest.mark.parametrize(
    ("resource", "place"), [("Ec2Resource", "Ec2Resource"), ("EmrCluster", "big machines")]
)
def test_a_resource_names_the_worker_group(api, group, resource, place):
    """Its type, or what COORDINATOR_RESOURCE_GROUPS maps it to; it wins over workerGroup."""
    pipeline = start(
        api, item("R", type=resource), activity("A", group, runsOn=Ref("R"), myNote="x")
    )
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    task = poll(api, place)
    assert task["pipelineId"] == pipeline
    finish(api, task)
