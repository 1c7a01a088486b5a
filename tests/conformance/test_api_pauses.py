"""SetStatus: PAUSE and RESUME of components, MARK_FINISHED of instances."""

from __future__ import annotations

import pytest
from pipelines import (
    Ref,
    activity,
    describe,
    finish,
    ids,
    new_group,
    poll,
    selector,
    start,
    statuses,
)
from waiting import wait_until


def set_status(api, pipeline, status, *names):
    """Set the status of these objects."""
    api.set_status(pipelineId=pipeline, objectIds=list(names), status=status)


def of_component(api, pipeline, component):
    """The instance of a component."""
    (name,) = ids(api, pipeline, "INSTANCE", selector("@componentParent", "REF_EQ", component))
    return name


@pytest.mark.parametrize(("pause", "resume"), [("PAUSE", "RESUME"), ("pause", "Resume")])
def test_a_paused_component_hands_nothing_out(api, pause, resume):
    """Others of the group are handed out; it is its turn again once it is resumed."""
    group = new_group()
    pipeline = start(api, activity("A", group), activity("B", group))
    set_status(api, pipeline, pause, "A")
    assert statuses(api, pipeline) == {"A": "PAUSED", "B": "WAITING_FOR_RUNNER"}
    assert [row["@status"] for row in describe(api, pipeline, "A", "B")] == ["PAUSED", "SCHEDULED"]
    task = poll(api, group)
    assert task["attemptId"].startswith("@B_")
    finish(api, task)
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    set_status(api, pipeline, resume, "A")
    assert statuses(api, pipeline)["A"] == "WAITING_FOR_RUNNER"
    finish(api, poll(api, group))
    assert statuses(api, pipeline) == {"A": "FINISHED", "B": "FINISHED"}


def test_a_paused_component_does_not_stop_what_runs(api):
    """Its holder goes on; a retry waits."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    set_status(api, pipeline, "PAUSE", "A")
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is False
    assert statuses(api, pipeline) == {"A": "RUNNING"}
    finish(api, task, "FAILED")
    assert statuses(api, pipeline) == {"A": "PAUSED"}
    assert "taskObject" not in api.poll_for_task(workerGroup=group)


def test_a_pause_holds_for_later_runs_too(api):
    """It is the component that is paused, twice if need be, and one RESUME ends it."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    set_status(api, pipeline, "PAUSE", "A")
    set_status(api, pipeline, "PAUSE", "A", "A")
    set_status(api, pipeline, "TRY_CANCEL", *ids(api, pipeline))
    api.activate_pipeline(pipelineId=pipeline)
    paused = selector("@status", "EQ", "PAUSED")
    assert len(ids(api, pipeline, "INSTANCE", paused)) == 1
    set_status(api, pipeline, "RESUME", "A")
    finish(api, poll(api, group))


@pytest.mark.parametrize("status", ["PAUSE", "resume"])
def test_an_instance_among_components_refuses_the_call(api, status):
    """The sentence says what the status is for; no component changes."""
    pipeline = start(api, activity("A", new_group()))
    (name,) = ids(api, pipeline)
    with pytest.raises(api.exceptions.InvalidRequestException, match="is for components, and '@A"):
        set_status(api, pipeline, status, "A", name)
    assert statuses(api, pipeline) == {"A": "WAITING_FOR_RUNNER"}


@pytest.mark.parametrize("status", ["PAUSE", "RERUN"])
def test_an_attempt_is_refused(api, status):
    """Its instance is what to name."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    with pytest.raises(api.exceptions.InvalidRequestException, match=r"an attempt.*its instance"):
        set_status(api, pipeline, status, task["attemptId"])


@pytest.mark.parametrize("word", ["MARK_FINISHED", "mark_finished"])
def test_a_failed_instance_is_marked_finished(api, word):
    """What waits for it goes on, and the pipeline is healthy again."""
    group = new_group()
    pipeline = start(
        api,
        activity("A", group, maximumRetries="0"),
        activity("B", group, dependsOn=Ref("A")),
    )
    finish(api, poll(api, group), "FAILED", errorId="E")
    set_status(api, pipeline, word, of_component(api, pipeline, "A"))
    assert statuses(api, pipeline)["A"] == "FINISHED"
    (fields,) = describe(api, pipeline, "A")
    assert fields["@healthStatus"] == "HEALTHY"
    finish(api, poll(api, group))
    assert statuses(api, pipeline) == {"A": "FINISHED", "B": "FINISHED"}


def test_the_holder_of_a_marked_instance_is_told_to_stop(api):
    """Its result does not count any more."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    set_status(api, pipeline, "MARK_FINISHED", *ids(api, pipeline))
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is True
    finish(api, task, "FAILED")
    assert statuses(api, pipeline) == {"A": "FINISHED"}


def test_waiting_instances_are_marked_finished(api):
    """Ready or blocked: they are never handed out, and their dependents go on."""
    group = new_group()
    pipeline = start(
        api,
        activity("A", group),
        activity("B", group, dependsOn=Ref("A")),
        activity("C", group, dependsOn=Ref("B")),
    )
    marked = [of_component(api, pipeline, name) for name in "AB"]
    set_status(api, pipeline, "MARK_FINISHED", *marked)
    wait_until(lambda: statuses(api, pipeline)["C"] == "WAITING_FOR_RUNNER")
    assert poll(api, group)["attemptId"].startswith("@C_")
