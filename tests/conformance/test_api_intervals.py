"""Schedules: which intervals are run, when, and as what they are shown."""

from __future__ import annotations

from pipelines import (
    Ref,
    activity,
    ago,
    describe,
    finish,
    ids,
    item,
    later,
    names,
    new_group,
    pipeline_fields,
    poll,
    put,
    schedule,
    scheduled,
    selector,
    start,
    task_fields,
    values,
)
from waiting import wait_until

HOUR = "1 hour"


def made(api, pipeline, count):
    """The ids of so many instances, once they are made."""
    return wait_until(lambda: len(found := ids(api, pipeline)) == count and found)


def test_the_intervals_of_the_past(api):
    """In style cron each is run from its start on; the window has five, and one more for each."""
    group, begin = new_group(), ago(7.5)
    pipeline = start(api, scheduled("A", group), schedule(HOUR, begin))
    assert made(api, pipeline, 5) == names("A", begin, *range(5))
    for k in range(8):
        task = poll(api, group)
        assert task["attemptId"] == f"{names('A', begin, k)[0]}_Attempt=1"
        fields = task_fields(task)
        assert fields["@scheduledStartTime"] == later(begin, hours=k)
        assert fields["@scheduledEndTime"] == later(begin, hours=k + 1)
        finish(api, task)
    assert made(api, pipeline, 8) == names("A", begin, *range(8))
    fields = wait_until(lambda: "@nextRunTime" in (f := pipeline_fields(api, pipeline)) and f)
    assert fields["@pipelineState"] == "SCHEDULED"
    assert fields["@nextRunTime"] == later(begin, hours=8)
    assert fields["@latestRunTime"] == fields["@latestCompletedRunTime"] == later(begin, hours=7)
    assert fields["@healthStatus"] == "HEALTHY"


def test_the_end_of_the_interval(api):
    """In style timeseries, which is the default, it is run when it is over."""
    group, begin = new_group(), ago(40 / 60)
    work = activity("A", group, schedule=Ref("S"))
    pipeline = start(api, work, schedule("15 minutes", begin))
    assert made(api, pipeline, 2) == names("A", begin, 0, 1, hours=0.25)
    (fields, _) = describe(api, pipeline, *ids(api, pipeline))
    assert fields["@scheduledStartTime"] == begin
    assert fields["@scheduledEndTime"] == later(begin, minutes=15)
    assert fields["@actualStartTime"] >= later(begin, minutes=40)
    assert fields["@componentParent"] == "A"
    wanted = later(begin, minutes=45)
    wait_until(lambda: pipeline_fields(api, pipeline).get("@nextRunTime") == wanted)
    assert pipeline_fields(api, pipeline)["@latestRunTime"] == later(begin, minutes=15)


def test_months(api):
    """From a 31st to the last day of each month; after so many the pipeline has finished."""
    group, begin = new_group(), "2020-01-31T12:00:00"
    pipeline = start(api, scheduled("A", group), schedule("1 month", begin, occurrences="3"))
    for day in ("2020-01-31", "2020-02-29", "2020-03-31"):
        task = poll(api, group)
        assert task["attemptId"] == f"@A_{day}T12:00:00_Attempt=1"
        assert pipeline_fields(api, pipeline)["@pipelineState"] == "SCHEDULED"
        finish(api, task)
    assert task_fields(task)["@scheduledEndTime"] == "2020-04-30T12:00:00"
    wait_until(lambda: pipeline_fields(api, pipeline)["@pipelineState"] == "FINISHED")
    assert "@nextRunTime" not in pipeline_fields(api, pipeline)


def test_each_second_from_the_first_activation(api):
    """The first interval begins with the second in which the pipeline is activated."""
    group = new_group()
    pipeline = start(api, scheduled("A", group), schedule("1 second", occurrences="2"))
    begin = pipeline_fields(api, pipeline)["@firstActivationTime"]
    for k in range(2):
        task = poll(api, group)
        assert task_fields(task)["@scheduledStartTime"] == later(begin, seconds=k)
        finish(api, task)
    wait_until(lambda: pipeline_fields(api, pipeline)["@pipelineState"] == "FINISHED")


def test_a_schedule_for_pipelines_on_demand(api):
    """A Schedule may say what its activities say: each activation is a run, and none is due."""
    group = new_group()
    times = {"period": "ONDEMAND_PERIOD", "startAt": "ONDEMAND_ACTIVATION_TIME"}
    pipeline = start(
        api,
        activity("A", group, schedule=Ref("S"), scheduleType="ONDEMAND"),
        activity("B", group, schedule=Ref("S")),
        item("S", type="Schedule", **times),
    )
    for _ in range(2):
        task = poll(api, group)
        fields = task_fields(task)
        assert fields["@scheduledEndTime"] == fields["@scheduledStartTime"]
        finish(api, task)
    api.activate_pipeline(pipelineId=pipeline)
    assert len(ids(api, pipeline)) == 4
    assert "@nextRunTime" not in pipeline_fields(api, pipeline)


def test_the_end_of_a_schedule(api):
    """Intervals that begin before it are run; a later one revives a pipeline that has finished."""
    group, begin = new_group(), ago(3.5)
    work = scheduled("A", group)
    pipeline = start(api, work, schedule(HOUR, begin, endDateTime=later(begin, hours=1, minutes=1)))
    for k in range(2):
        task = poll(api, group)
        assert task["attemptId"].startswith(names("A", begin, k)[0])
        finish(api, task)
    wait_until(lambda: pipeline_fields(api, pipeline)["@pipelineState"] == "FINISHED")
    put(api, pipeline, work, schedule(HOUR, begin, endDateTime=later(begin, hours=3)))
    assert pipeline_fields(api, pipeline)["@pipelineState"] == "FINISHED"
    api.activate_pipeline(pipelineId=pipeline)
    assert pipeline_fields(api, pipeline)["@pipelineState"] == "SCHEDULED"
    finish(api, poll(api, group))
    assert ids(api, pipeline) == names("A", begin, 0, 1, 2)
    wait_until(lambda: pipeline_fields(api, pipeline)["@pipelineState"] == "FINISHED")


def test_inherited_schedules(api):
    """Of Default, or of a parent, which may have another; maxActiveInstances likewise."""
    groups, begin = [new_group() for _ in "ABC"], ago(2.5)
    own = {"schedule": Ref("S"), "scheduleType": "timeseries", "maxActiveInstances": "1"}
    pipeline = start(
        api,
        item("Default", schedule=Ref("D"), scheduleType="Cron"),
        item("Slow", **own),
        activity("A", groups[0]),
        activity("B", groups[1], parent=Ref("Slow")),
        activity("C", groups[2], parent=Ref("Slow"), scheduleType="cron"),
        schedule(HOUR, begin, "D"),
        schedule(HOUR, begin),
    )
    found = made(api, pipeline, 5)
    assert sorted(found) == [
        *names("A", begin, 0, 1, 2),
        *names("B", begin, 0),
        *names("C", begin, 0),
    ]


def test_one_at_a_time_is_chronological(api):
    """With maxActiveInstances 1 an interval begins when the one before has ended, somehow."""
    group, begin = new_group(), ago(3.5)
    work = scheduled("A", group, maxActiveInstances="1", maximumRetries="0")
    pipeline = start(api, work, scheduled("B", group, dependsOn=Ref("A")), schedule(HOUR, begin))
    for k, status in enumerate(["FINISHED", "FAILED", "FINISHED"]):
        task = poll(api, group)
        assert task["attemptId"].startswith(names("A", begin, k)[0])
        finish(api, task, status)
        if status == "FINISHED":
            finish(api, poll(api, group))
        made(api, pipeline, 2 * k + 4)
    failed = names("A", begin, 1)
    assert ids(api, pipeline, "INSTANCE", selector("@status", "EQ", "FAILED")) == failed
    fields = pipeline_fields(api, pipeline)
    assert fields["@healthStatus"] == "HEALTHY"
    api.set_status(pipelineId=pipeline, objectIds=failed, status="RERUN")
    assert poll(api, group)["attemptId"] == f"{failed[0]}_Attempt=2"


def test_times_in_expressions(api):
    """Those of the interval, also in what a task is handed, in descriptions and evaluations."""
    group = new_group()
    begin = "2024-03-01T00:00:00"
    pipeline = start(
        api,
        scheduled(
            "A",
            group,
            command="#{@scheduledStartTime} #{minusDays(@scheduledStartTime, 1)}",
            input=Ref("Data"),
        ),
        item(
            "Data",
            type="S3DataNode",
            filePath="s3://b/#{format(@scheduledStartTime, 'YYYYMMdd')}/#{@scheduledEndTime}",
            schedule=Ref("S"),
        ),
        schedule("1 day", begin, occurrences="1"),
    )
    task = poll(api, group)
    said = "2024-03-01T00:00:00 2024-02-29T00:00:00"
    assert task_fields(task)["command"] == said
    path = "s3://b/20240301/2024-03-02T00:00:00"
    assert values(task["objects"]["Data"])["filePath"] == path
    (name,) = ids(api, pipeline)
    (row,) = api.describe_objects(pipelineId=pipeline, objectIds=[name], evaluateExpressions=True)[
        "pipelineObjects"
    ]
    assert values(row)["command"] == said
    evaluated = api.evaluate_expression(
        pipelineId=pipeline, objectId=name, expression="#{@scheduledEndTime} #{input.filePath}"
    )
    assert evaluated["evaluatedExpression"] == f"2024-03-02T00:00:00 {path}"


def test_across_schedules(api):
    """A long interval waits for the short ones that make its input; those to come among them."""
    group, begin = new_group(), ago(4.5)
    pipeline = start(
        api,
        scheduled("Hourly", group, output=Ref("Data"), maxActiveInstances="1"),
        scheduled("Long", group, schedule=Ref("L"), input=Ref("Data"), maxActiveInstances="1"),
        item("Data", type="S3DataNode", filePath="s3://b/f"),
        schedule(HOUR, begin),
        schedule("2 hours", begin, "L"),
    )
    made(api, pipeline, 2)
    (long,) = names("Long", begin, 0)
    first, second = names("Hourly", begin, 0, 1)
    (fields,) = describe(api, pipeline, long)
    assert fields["@status"] == "WAITING_ON_DEPENDENCIES"
    assert fields["@waitingReason"] == (
        f"waits for '{first}' (WAITING_FOR_RUNNER) and "
        f"'{second}' (of an interval that has not come yet)"
    )
    for wanted in (first, second):
        task = poll(api, group)
        assert task["attemptId"] == f"{wanted}_Attempt=1"
        finish(api, task)
    taken = {poll(api, group)["attemptId"] for _ in range(2)}
    assert taken == {f"{long}_Attempt=1", f"{names('Hourly', begin, 2)[0]}_Attempt=1"}


def test_queries_by_the_times_of_intervals(api):
    """By start and by end, in order, in pages."""
    begin = "2024-03-01T00:00:00"
    work = scheduled("A", new_group(), maxActiveInstances="9")
    pipeline = start(api, work, schedule("1 day", begin, occurrences="9"))
    made(api, pipeline, 9)

    def days(*selectors, **more):
        return [name[-11:-9] for name in ids(api, pipeline, "INSTANCE", *selectors, **more)]

    starts = selector("@scheduledStartTime", "BETWEEN", "2024-03-02", "2024-03-04")
    ends = selector("@scheduledEndTime", "BETWEEN", "2024-03-03T00:00:00", "2024-03-04")
    assert days(starts) == ["02", "03", "04"]
    assert days(ends) == ["02", "03"]
    assert days(starts, ends) == ["02", "03"]
    assert days(selector("@scheduledEndTime", "GE", "2024-03-10")) == ["09"]
    assert days(selector("@scheduledEndTime", "LE", "2024-03-02")) == ["01"]
    assert days(selector("@scheduledStartTime", "EQ", "2024-03-05T00:00:00Z")) == ["05"]
    one = api.query_objects(
        pipelineId=pipeline, sphere="INSTANCE", query={"selectors": [starts]}, limit=2
    )
    assert days(starts, marker=one["marker"]) == ["04"]
