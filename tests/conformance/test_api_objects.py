"""DescribeObjects: components, instances, attempts."""

from __future__ import annotations

import pytest
from pipelines import (
    Ref,
    activity,
    create,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    put,
    start,
    values,
)
from waiting import wait_until


def test_a_component_shows_its_own_fields_and_the_systems(api):
    """@sphere stands first, then the rest, and the parent that it inherits from unsaid."""
    pipeline = create(api)
    put(api, pipeline, item("Default", x="1"), activity("A", "g", tags=["b", "a"]))
    (found,) = api.describe_objects(pipelineId=pipeline, objectIds=["A"])["pipelineObjects"]
    assert (found["id"], found["name"]) == ("A", "A")
    assert found["fields"][0] == {"key": "@sphere", "stringValue": "COMPONENT"}
    assert {"key": "parent", "refValue": "Default"} in found["fields"]
    assert [f["stringValue"] for f in found["fields"] if f["key"] == "tags"] == ["b", "a"]
    fields = values(found)
    assert fields["@status"] == "PENDING"
    assert fields["@pipelineId"] == pipeline
    assert fields["@version"] == "1"
    assert "x" not in fields


def test_an_instance_has_the_documented_fields(api):
    """Component, times, status and tries, from its making to its end."""
    group = new_group()
    pipeline = start(api, activity("A", group, maximumRetries="3"))
    (name,) = ids(api, pipeline)
    (fields,) = describe(api, pipeline, name)
    assert name == f"@A_{fields['@scheduledStartTime']}"
    assert fields["@sphere"] == "INSTANCE"
    assert fields["@status"] == "WAITING_FOR_RUNNER"
    assert fields["@componentParent"] == "A"
    assert fields["@scheduledEndTime"] == fields["@scheduledStartTime"]
    assert fields["@actualStartTime"] >= fields["@scheduledStartTime"]
    assert "@actualEndTime" not in fields
    assert fields["@triesLeft"] == "3"
    finish(api, poll(api, group))
    (fields,) = describe(api, pipeline, name)
    assert fields["@status"] == "FINISHED"
    assert fields["@actualEndTime"] >= fields["@actualStartTime"]
    assert fields["@headAttempt"] == f"{name}_Attempt=1"


def test_an_attempt_shows_what_became_of_it(api):
    """A failed attempt keeps its holder, its errors and what it reported; the next one waits."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group, "host-1")
    fields = [{"key": "percentComplete", "stringValue": "50"}]
    api.report_task_progress(taskId=task["taskId"], fields=fields)
    (running,) = describe(api, pipeline, task["attemptId"])
    assert running["@status"] == "RUNNING"
    assert running["percentComplete"] == "50"
    finish(api, task, "FAILED", errorId="Oops", errorMessage="why", errorStackTrace="where")
    again = poll(api, group, "host-2")
    first, second = describe(api, pipeline, task["attemptId"], again["attemptId"])
    assert first["@sphere"] == "ATTEMPT"
    assert first["@status"] == "FAILED"
    assert first["hostname"] == "host-1"
    assert (first["errorId"], first["errorMessage"]) == ("Oops", "why")
    assert first["errorStackTrace"] == "where"
    assert first["percentComplete"] == "50"
    assert first["@instanceParent"] == task["attemptId"].removesuffix("_Attempt=1")
    assert first["@actualEndTime"] >= first["@actualStartTime"]
    assert second["@status"] == "WAITING_FOR_RUNNER"
    assert second["hostname"] == "host-2"
    assert int(second["@fencingToken"]) > int(first["@fencingToken"])


def test_what_a_runner_reports_does_not_overwrite_the_coordinators_fields(api):
    """A reported @status is not shown beside the real one, nor a reported hostname."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group, "host-1")
    reported = {"@status": "FINISHED", "hostname": "other", "errorId": "none", "mine": "1"}
    fields = [{"key": key, "stringValue": value} for key, value in reported.items()]
    api.report_task_progress(taskId=task["taskId"], fields=fields)
    (found,) = api.describe_objects(pipelineId=pipeline, objectIds=[task["attemptId"]])[
        "pipelineObjects"
    ]
    shown = [(f["key"], f["stringValue"]) for f in found["fields"] if f["key"] in reported]
    assert sorted(shown) == [
        ("@status", "RUNNING"),
        ("errorId", "none"),
        ("hostname", "host-1"),
        ("mine", "1"),
    ]


def test_an_attempt_that_was_never_acknowledged_can_be_described(api, new_replica, replica):
    """What QueryObjects lists, DescribeObjects knows, also while the task is offered again."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    hasty = new_replica(replica.settings["REDIS_URL"], ACK_TIMEOUT=0.05).client()
    task = poll(hasty, group)
    attempts = {"pipelineId": pipeline, "sphere": "ATTEMPT"}
    assert api.query_objects(**attempts)["ids"] == [task["attemptId"]]
    wait_until(lambda: describe(api, pipeline, task["attemptId"]))
    (instance,) = ids(api, pipeline)
    api.set_status(pipelineId=pipeline, objectIds=[instance], status="TRY_CANCEL")
    (fields,) = describe(api, pipeline, task["attemptId"])
    assert fields["@status"] == "CANCELED"
    hasty.close()


def test_a_hundred_objects_are_described_in_one_page(api):
    """The aws CLI's list-runs sends 100 ids and follows no marker; more ids are paged."""
    pipeline = start(api, *(activity(f"A{n}", new_group()) for n in range(130)))
    wanted = ids(api, pipeline, limit=130)[::-1]
    page = api.describe_objects(pipelineId=pipeline, objectIds=wanted[:100])
    assert [found["id"] for found in page["pipelineObjects"]] == wanted[:100]
    assert not page["hasMoreResults"]
    assert "marker" not in page
    pages = list(
        api.get_paginator("describe_objects").paginate(pipelineId=pipeline, objectIds=wanted)
    )
    assert [len(page["pipelineObjects"]) for page in pages] == [100, 30]
    assert [found["id"] for page in pages for found in page["pipelineObjects"]] == wanted


def test_components_instances_and_attempts_may_be_asked_together(api):
    """An object asked twice is described twice, in the order asked."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    (instance,) = ids(api, pipeline)
    wanted = [task["attemptId"], "A", instance, "A"]
    assert [row["@sphere"] for row in describe(api, pipeline, *wanted)] == [
        "ATTEMPT",
        "COMPONENT",
        "INSTANCE",
        "COMPONENT",
    ]


@pytest.mark.parametrize(
    "unknown", ["B", "@A_2012-12-12T00:00:00", "{}_Attempt=1", "{}_Attempt=0", "{}_Attempt=²", "é"]
)
def test_an_unknown_object_refuses_the_call(api, unknown):
    """The sentence names it. An attempt that was not handed out yet is not there."""
    pipeline = start(api, activity("A", new_group()))
    (instance,) = ids(api, pipeline)
    with pytest.raises(api.exceptions.InvalidRequestException, match="not an object"):
        describe(api, pipeline, "A", unknown.format(instance))


@pytest.mark.parametrize("marker", ["x", "1", "-1", "²", "9" * 1000])
def test_a_foreign_marker_is_refused(api, marker):
    """A marker that DescribeObjects did not make is an invalid request."""
    pipeline = create(api)
    put(api, pipeline, activity("A", "g"))
    with pytest.raises(api.exceptions.InvalidRequestException, match="'marker'"):
        api.describe_objects(pipelineId=pipeline, objectIds=["A"], marker=marker)


def test_references_of_components_are_described_as_references(api):
    """A refValue stays one."""
    pipeline = create(api)
    put(api, pipeline, activity("A", "g"), activity("B", "g", dependsOn=Ref("A")))
    (found,) = api.describe_objects(pipelineId=pipeline, objectIds=["B"])["pipelineObjects"]
    assert {"key": "dependsOn", "refValue": "A"} in found["fields"]
