"""DeactivatePipeline: with a cancel, and without."""

from __future__ import annotations

import pytest
from pipelines import (
    Ref,
    activity,
    create,
    describe,
    finish,
    ids,
    new_group,
    pipeline_fields,
    poll,
    put,
    start,
    statuses,
)
from waiting import wait_until


def state(api, pipeline):
    """The pipeline's state."""
    return pipeline_fields(api, pipeline)["@pipelineState"]


def test_deactivation_cancels_what_has_not_ended(api, replica):
    """What waits is canceled at once, and what runs is told at its next report."""
    group = new_group()
    pipeline = start(
        api,
        *(activity(name, group) for name in ("Done", "Runs", "Ready")),
        activity("Blocked", group, dependsOn=Ref("Ready")),
    )
    finish(api, poll(api, group))
    runs = poll(api, group)["taskId"]
    assert api.report_task_progress(taskId=runs)["canceled"] is False
    assert replica.post("DeactivatePipeline", {"pipelineId": pipeline}).body == b"{}"
    answer = replica.post("ReportTaskProgress", {"taskId": runs})
    assert answer.body == b'{"canceled":true,"reason":"CANCELED"}'
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    ended = {
        "Done": "FINISHED",
        "Runs": "CANCELED",
        "Ready": "CANCELED",
        "Blocked": "CANCELED",
    }
    wait_until(lambda: statuses(api, pipeline) == ended)
    assert state(api, pipeline) == "INACTIVE"
    fields = pipeline_fields(api, pipeline)
    assert fields["@lastDeactivatedTime"] >= fields["@lastActivationTime"]


def test_a_canceled_pipeline_begins_anew(api):
    """Its next activation is a new run, and the canceled one stays as it is."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    api.deactivate_pipeline(pipelineId=pipeline, cancelActive=True)
    api.activate_pipeline(pipelineId=pipeline)
    assert state(api, pipeline) == "SCHEDULED"
    assert len(ids(api, pipeline)) == 2
    finish(api, poll(api, group))
    rows = describe(api, pipeline, *ids(api, pipeline))
    assert sorted(row["@status"] for row in rows) == ["CANCELED", "FINISHED"]


def test_without_a_cancel_what_runs_goes_on_and_what_waits_is_kept(api):
    """Nothing more is handed out; DEACTIVATING until the last has ended, then INACTIVE."""
    group = new_group()
    pipeline = start(api, activity("Runs", group), activity("Next", group, dependsOn=Ref("Runs")))
    runs = poll(api, group)
    api.deactivate_pipeline(pipelineId=pipeline, cancelActive=False)
    assert state(api, pipeline) == "DEACTIVATING"
    assert api.report_task_progress(taskId=runs["taskId"])["canceled"] is False
    finish(api, runs)
    assert state(api, pipeline) == "INACTIVE"
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    assert statuses(api, pipeline)["Runs"] == "FINISHED"
    api.activate_pipeline(pipelineId=pipeline)
    assert state(api, pipeline) == "SCHEDULED"
    assert len(ids(api, pipeline)) == 2
    finish(api, poll(api, group))
    assert statuses(api, pipeline) == {"Runs": "FINISHED", "Next": "FINISHED"}


def test_a_retry_of_a_deactivated_pipeline_waits_too(api):
    """What fails meanwhile is tried again once the pipeline is activated."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    api.deactivate_pipeline(pipelineId=pipeline, cancelActive=False)
    finish(api, task, "FAILED")
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    api.activate_pipeline(pipelineId=pipeline)
    assert poll(api, group)["attemptId"].endswith("_Attempt=2")


def test_a_kept_pipeline_can_still_be_canceled(api):
    """A second deactivation, with a cancel, ends what the first kept."""
    pipeline = start(api, activity("A", new_group()))
    api.deactivate_pipeline(pipelineId=pipeline, cancelActive=False)
    api.deactivate_pipeline(pipelineId=pipeline)
    wait_until(lambda: statuses(api, pipeline) == {"A": "CANCELED"})


@pytest.mark.parametrize("cancel", [True, False])
def test_a_pipeline_that_was_never_activated_is_refused(api, cancel):
    """There is nothing to stop."""
    pipeline = create(api)
    put(api, pipeline, activity("A", "g"))
    with pytest.raises(api.exceptions.InvalidRequestException, match="activated"):
        api.deactivate_pipeline(pipelineId=pipeline, cancelActive=cancel)


def test_the_components_of_a_deactivated_pipeline_are_inactive(api):
    """Their status says so, as the pipeline's does."""
    pipeline = start(api, activity("A", new_group()))
    (before,) = describe(api, pipeline, "A")
    api.deactivate_pipeline(pipelineId=pipeline)
    (after,) = describe(api, pipeline, "A")
    assert (before["@status"], after["@status"]) == ("SCHEDULED", "INACTIVE")


def test_a_repeat_of_the_call_changes_nothing(api, replica):
    """A deactivation that is repeated does not stop what was activated meanwhile."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    same = {"amz-sdk-invocation-id": "deactivate-once"}
    body = {"pipelineId": pipeline}
    assert replica.post("DeactivatePipeline", body, same).status == 200
    api.activate_pipeline(pipelineId=pipeline)
    assert replica.post("DeactivatePipeline", body, same).status == 200
    assert state(api, pipeline) == "SCHEDULED"
    finish(api, poll(api, group))
