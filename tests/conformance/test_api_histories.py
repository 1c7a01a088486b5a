"""What is kept of attempts, and how healthy components and pipelines are."""

from __future__ import annotations

from pipelines import (
    activity,
    describe,
    finish,
    ids,
    new_group,
    poll,
    start,
    values,
)
from waiting import wait_until


def pipeline_fields(api, pipeline):
    """The fields of a pipeline's description."""
    (found,) = api.describe_pipelines(pipelineIds=[pipeline])["pipelineDescriptionList"]
    return values(found)


def test_an_attempt_tells_its_history(api):
    """Handed out, acknowledged, reported, ended, and by whom."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group, "host-1")
    (fields,) = describe(api, pipeline, task["attemptId"])
    assert fields["hostname"] == "host-1"
    assert fields["@handedOutTime"] == fields["@actualStartTime"]
    for absent in ("@acknowledgedTime", "@firstReportTime", "@reportCount", "@endReason"):
        assert absent not in fields
    assert "reportProgressTime" not in fields
    for _ in range(3):
        api.report_task_progress(taskId=task["taskId"])
    (fields,) = describe(api, pipeline, task["attemptId"])
    assert fields["@reportCount"] == "3"
    assert fields["@handedOutTime"] <= fields["@acknowledgedTime"] <= fields["reportProgressTime"]
    assert fields["@firstReportTime"] == fields["@acknowledgedTime"]
    finish(api, task)
    (ended,) = describe(api, pipeline, task["attemptId"])
    kept = ("hostname", "@handedOutTime", "@acknowledgedTime", "@reportCount", "@fencingToken")
    assert {key: ended[key] for key in kept} == {key: fields[key] for key in kept}
    assert ended["@endReason"] == "the runner reported it"
    assert ended["@actualEndTime"] >= ended["reportProgressTime"]
    assert ended["@status"] == "FINISHED"


def test_a_result_without_a_report_acknowledges(api):
    """There is no first report of it."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    finish(api, task)
    (fields,) = describe(api, pipeline, task["attemptId"])
    assert "@firstReportTime" not in fields
    assert "@reportCount" not in fields
    assert fields["@endReason"] == "the runner reported it"


def test_every_way_in_which_an_attempt_ends(api):
    """Lost, over its time, canceled."""
    lost, late, canceled = new_group(), new_group(), new_group()
    pipeline = start(
        api,
        activity("Lost", lost, reportProgressTimeout="1 second"),
        activity("Late", late, attemptTimeout="3 seconds", maximumRetries="0"),
        activity("Canceled", canceled),
    )
    tasks = [poll(api, group, "host") for group in (lost, late, canceled)]
    for task in tasks:
        api.report_task_progress(taskId=task["taskId"])
    api.set_status(pipelineId=pipeline, objectIds=ids(api, pipeline)[2:], status="TRY_CANCEL")
    names = [task["attemptId"] for task in tasks]

    def reasons():
        return [row.get("@endReason") for row in describe(api, pipeline, *names)]

    told = ["its lease was lost", "it took longer than its attemptTimeout", "it was canceled"]
    wait_until(lambda: reasons() == told)
    rows = describe(api, pipeline, *names)
    assert [row["errorId"] for row in rows[:1]] == ["ProgressTimeout"]
    assert [row["@status"] for row in rows[1:]] == ["FAILED", "CANCELED"]
    assert {row["hostname"] for row in rows} == {"host"}


def test_a_hand_out_that_was_not_acknowledged_is_counted(api, new_replica, replica):
    """The attempt is the same one, and tells how often it was lost."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    hasty = new_replica(replica.settings["REDIS_URL"], ACK_TIMEOUT=0.05, POLL_WAIT=1).client()
    first = poll(hasty, group)
    second = poll(hasty, group)
    assert second["attemptId"] == first["attemptId"]
    assert second["taskId"] != first["taskId"]
    wait_until(lambda: describe(api, pipeline, first["attemptId"])[0].get("@lostHandOuts"))
    hasty.close()


def test_tries_and_attempts_are_counted_down_and_up(api):
    """@triesLeft, @attemptCount and @headAttempt of an instance, from its making to its end."""
    group = new_group()
    pipeline = start(api, activity("A", group, maximumRetries="1"))
    (name,) = ids(api, pipeline)
    seen = []

    def look():
        (fields,) = describe(api, pipeline, name)
        head = fields.get("@headAttempt", "").removeprefix(name)
        seen.append((fields["@triesLeft"], fields["@attemptCount"], head))

    look()
    first = poll(api, group)
    look()
    finish(api, first, "FAILED", errorId="E1", errorMessage="why")
    look()
    finish(api, poll(api, group), "FAILED", errorId="E2")
    look()
    assert seen == [
        ("1", "1", ""),
        ("1", "1", "_Attempt=1"),
        ("0", "2", "_Attempt=1"),
        ("0", "2", "_Attempt=2"),
    ]
    (fields,) = describe(api, pipeline, name)
    assert (fields["@status"], fields["errorId"]) == ("FAILED", "E2")
    assert fields["@finishedTime"] == fields["@actualEndTime"]


def test_health_follows_the_last_instance_that_ended(api):
    """Of the component, and of the pipeline, which is as ill as its components."""
    a, b = new_group(), new_group()
    pipeline = start(api, activity("A", a, maximumRetries="0"), activity("B", b))
    assert "@healthStatus" not in pipeline_fields(api, pipeline)
    assert "@healthStatus" not in describe(api, pipeline, "A")[0]
    one, two = ids(api, pipeline)
    finish(api, poll(api, a), "FAILED")
    finish(api, poll(api, b))
    first, second = describe(api, pipeline, "A", "B")
    assert (first["@healthStatus"], first["@healthStatusFromInstanceId"]) == ("ERROR", one)
    assert (second["@healthStatus"], second["@healthStatusFromInstanceId"]) == ("HEALTHY", two)
    assert first["@healthStatusUpdatedTime"]
    fields = pipeline_fields(api, pipeline)
    assert (fields["@healthStatus"], fields["@healthStatusFromInstanceId"]) == ("ERROR", one)
    api.set_status(
        pipelineId=pipeline, objectIds=[fields["@healthStatusFromInstanceId"]], status="RERUN"
    )
    finish(api, poll(api, a))
    fields = pipeline_fields(api, pipeline)
    assert (fields["@healthStatus"], fields["@healthStatusFromInstanceId"]) == ("HEALTHY", one)
    assert describe(api, pipeline, "A")[0]["@healthStatus"] == "HEALTHY"


def test_a_pipeline_tells_its_times(api):
    """Of the first and last activation, of the latest run and the latest that was completed."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    fields = pipeline_fields(api, pipeline)
    assert fields["@firstActivationTime"] == fields["@lastActivationTime"]
    assert "@latestCompletedRunTime" not in fields
    finish(api, poll(api, group))
    api.activate_pipeline(pipelineId=pipeline)
    after = pipeline_fields(api, pipeline)
    assert after["@firstActivationTime"] == fields["@firstActivationTime"]
    assert after["@latestCompletedRunTime"] == fields["@latestRunTime"]
    assert after["@latestRunTime"] > fields["@latestRunTime"]


def test_what_is_canceled_says_by_what(api):
    """A SetStatus, or a deactivation; nothing once it is run again."""
    objects = [activity(name, new_group()) for name in "AB"]
    pipeline = start(api, *objects)
    first, second = ids(api, pipeline)
    api.set_status(pipelineId=pipeline, objectIds=[first], status="TRY_CANCEL")
    api.deactivate_pipeline(pipelineId=pipeline)
    rows = describe(api, pipeline, first, second)
    assert [row["cancellationReason"] for row in rows] == [
        "it was canceled by SetStatus",
        "its pipeline was deactivated",
    ]
    api.set_status(pipelineId=pipeline, objectIds=[first], status="RERUN")
    assert "cancellationReason" not in describe(api, pipeline, first)[0]
