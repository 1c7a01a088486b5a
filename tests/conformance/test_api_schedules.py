"""Schedules and preconditions as a client meets them: findings, and the tasks that come of them."""

from __future__ import annotations

from pipelines import Ref, activity, create, finish, item, new_group, poll, put, task_fields, values

DAY = {"type": "Schedule", "period": "1 day", "startDateTime": "2024-01-31T08:00:00"}


def warnings(found):
    """The ids that a put warned of, with what was said."""
    return {row["id"]: row["warnings"] for row in found["validationWarnings"]}


def test_a_backfill_is_warned_of_until_it_is_activated(api):
    """The first put says it, one after the activation does not."""
    pipeline, group = create(api), new_group()
    objects = [activity("A", group, schedule=Ref("S")), item("S", **DAY, occurrences="1")]
    (sentence,) = warnings(put(api, pipeline, *objects))["S"]
    assert sentence.startswith("The schedule begins at 2024-01-31T08:00:00, more than a day ago")
    api.activate_pipeline(pipelineId=pipeline)
    assert warnings(put(api, pipeline, *objects)) == {}


def test_the_times_of_an_interval_are_in_its_expressions(api):
    """Months end with their last day; a time series is named after its start."""
    pipeline, group = create(api), new_group()
    put(
        api,
        pipeline,
        activity(
            "A",
            group,
            command="load #{@scheduledStartTime} #{@scheduledEndTime}",
            schedule=Ref("S"),
        ),
        item("S", **DAY | {"period": "1 month"}, occurrences="1"),
    )
    api.activate_pipeline(pipelineId=pipeline)
    fields = task_fields(poll(api, group))
    assert fields["command"] == "load 2024-01-31T08:00:00 2024-02-29T08:00:00"


def test_a_precondition_knows_what_has_it(api):
    """Its expressions name the data node, which is handed out with it; then comes the activity."""
    pipeline, group = create(api), new_group()
    put(
        api,
        pipeline,
        activity("A", group, input=Ref("In")),
        item("In", type="S3DataNode", directoryPath="s3://b/in", precondition=Ref("Ready")),
        item("Ready", type="S3KeyExists", s3Key="#{node.directoryPath}/_SUCCESS"),
    )
    api.activate_pipeline(pipelineId=pipeline)
    task = poll(api, group)
    fields = task_fields(task)
    assert (fields["@componentParent"], fields["node"]) == ("Ready", "In")
    assert fields["s3Key"] == "s3://b/in/_SUCCESS"
    assert values(task["objects"]["In"])["directoryPath"] == "s3://b/in"
    finish(api, task)
    assert task_fields(poll(api, group))["@componentParent"] == "A"


def test_a_precondition_can_be_paused(api):
    """It is run, so that it can be kept from being run."""
    pipeline, group = create(api), new_group()
    objects = [activity("A", group, precondition=Ref("Ready")), item("Ready", type="Exists")]
    put(api, pipeline, *objects)
    api.set_status(pipelineId=pipeline, objectIds=["Ready"], status="PAUSE")
    api.activate_pipeline(pipelineId=pipeline)
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    api.set_status(pipelineId=pipeline, objectIds=["Ready"], status="RESUME")
    assert task_fields(poll(api, group))["@componentParent"] == "Ready"
