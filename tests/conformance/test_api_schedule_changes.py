"""Schedules that are begun elsewhere, stopped, and gone on with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pipelines import (
    HOUR,
    ago,
    create,
    describe,
    finish,
    ids,
    later,
    names,
    new_group,
    pipeline_fields,
    poll,
    put,
    schedule,
    scheduled,
    seconds,
    selector,
    start,
    task_fields,
)
from waiting import wait_until

SKIPPED = selector("@status", "EQ", "SKIPPED")
CANCELED = selector("@status", "EQ", "CANCELED")
FIRST_OF_MAY = "2024-05-01T00:00:00"


def days(group, **more):
    """A pipeline of ten days of May 2024, one at a time."""
    work = scheduled("A", group, maxActiveInstances="1")
    return work, schedule("1 day", FIRST_OF_MAY, occurrences="10", **more)


def test_a_start_in_the_middle(api, replica):
    """What is left out is SKIPPED, and a repeat of the call changes nothing."""
    group, pipeline = new_group(), create(api)
    put(api, pipeline, *days(group))
    begin = seconds("2024-05-04T00:00:00")
    body = {"pipelineId": pipeline, "startTimestamp": begin}
    same = {"amz-sdk-invocation-id": "activate-days"}
    assert replica.post("ActivatePipeline", body, same).body == b"{}"
    task = poll(api, group)
    assert task["attemptId"] == "@A_2024-05-04T00:00:00_Attempt=1"
    assert replica.post("ActivatePipeline", body, same).body == b"{}"
    skipped = ids(api, pipeline, "INSTANCE", SKIPPED)
    assert [name[-11:-9] for name in skipped] == ["01", "02", "03"]
    (fields, *_) = describe(api, pipeline, *skipped)
    assert fields["@status"] == "SKIPPED"
    assert "@waitingReason" not in fields
    assert "@healthStatus" not in pipeline_fields(api, pipeline)
    finish(api, task)
    assert poll(api, group)["attemptId"].startswith("@A_2024-05-05")


@pytest.mark.parametrize("begin", [0, 1, 1_700_000_000.25, datetime(2024, 5, 1, tzinfo=UTC)])
def test_a_start_before_the_first_interval(api, begin):
    """Nothing is left out."""
    group, pipeline = new_group(), create(api)
    put(api, pipeline, *days(group))
    api.activate_pipeline(pipelineId=pipeline, startTimestamp=begin)
    assert poll(api, group)["attemptId"].startswith("@A_2024-05-01")


@pytest.mark.parametrize(
    ("begin", "sentence"),
    [
        ("-1", "at least 0"),
        ("1e400", "out of range"),
        ("253402300800", "at most"),
        ("NaN", "not valid JSON"),
        ("Infinity", "not valid JSON"),
        ('"2024-05-04T00:00:00"', "must be a number"),
        ("true", "must be a number"),
        ("[]", "must be a number"),
    ],
)
def test_a_start_that_is_none(api, replica, begin, sentence):
    """It is refused in words, and nothing begins."""
    pipeline = create(api)
    put(api, pipeline, *days(new_group()))
    answer = replica.post(
        "ActivatePipeline", f'{{"pipelineId":"{pipeline}","startTimestamp":{begin}}}'
    )
    assert answer.status == 400
    assert b"InvalidRequestException" in answer.body
    assert sentence in answer.body.decode()
    assert pipeline_fields(api, pipeline)["@pipelineState"] == "PENDING"


@pytest.mark.parametrize("more", [{}, {"occurrences": "3"}])
def test_a_start_at_the_end_of_time(api, more):
    """A schedule whose next interval is behind the year 9999 can still be described."""
    pipeline = create(api)
    put(api, pipeline, scheduled("A", new_group()), schedule("1 year", FIRST_OF_MAY, **more))
    api.activate_pipeline(pipelineId=pipeline, startTimestamp=253_402_300_799)
    wait_until(lambda: len(ids(api, pipeline, "INSTANCE", SKIPPED)) > 0)
    described = pipeline_fields(api, pipeline)
    if more:
        assert described["@pipelineState"] == "FINISHED"
    else:
        assert described["@pipelineState"] == "SCHEDULED"
        assert described["@nextRunTime"] == "9999-12-31T23:59:59"


def test_the_beginning_of_time(api):
    """A year of one digit is written with four, as all are."""
    group, begin = new_group(), "0001-01-01T00:00:00"
    pipeline = start(api, scheduled("A", group), schedule("3 years", begin, occurrences="1"))
    fields = task_fields(poll(api, group))
    assert fields["@scheduledStartTime"] == begin
    assert fields["@scheduledEndTime"] == "0004-01-01T00:00:00"
    early = selector("@scheduledStartTime", "LE", "0001-01-01T00:00:00")
    assert ids(api, pipeline, "INSTANCE", early) == [f"@A_{begin}"]


def test_a_schedule_goes_on_where_it_was_canceled(api):
    """What the deactivation canceled is run again, and then the rest."""
    group, begin = new_group(), ago(3.5)
    pipeline = start(api, scheduled("A", group, maxActiveInstances="2"), schedule(HOUR, begin))
    finish(api, poll(api, group))
    wait_until(lambda: len(ids(api, pipeline)) == 3)
    running = poll(api, group)
    api.deactivate_pipeline(pipelineId=pipeline)
    assert api.report_task_progress(taskId=running["taskId"])["canceled"] is True
    wait_until(lambda: ids(api, pipeline, "INSTANCE", CANCELED) == names("A", begin, 1, 2))
    fields = pipeline_fields(api, pipeline)
    assert fields["@pipelineState"] == "INACTIVE"
    assert "@nextRunTime" not in fields
    api.activate_pipeline(pipelineId=pipeline)
    assert pipeline_fields(api, pipeline)["@pipelineState"] == "SCHEDULED"
    for k, attempt in ((1, 2), (2, 1), (3, 1)):
        task = poll(api, group)
        assert task["attemptId"] == f"{names('A', begin, k)[0]}_Attempt={attempt}"
        finish(api, task)
    assert ids(api, pipeline) == names("A", begin, *range(4))


def test_the_last_interval_is_gone_on_with(api):
    """A pipeline that was canceled in its last interval has not finished, once active again."""
    group = new_group()
    work, times = days(group)
    pipeline = create(api)
    put(api, pipeline, work, times)
    api.activate_pipeline(pipelineId=pipeline, startTimestamp=seconds("2024-05-10T00:00:00"))
    poll(api, group)
    api.deactivate_pipeline(pipelineId=pipeline)
    api.activate_pipeline(pipelineId=pipeline)
    assert pipeline_fields(api, pipeline)["@pipelineState"] == "SCHEDULED"
    finish(api, poll(api, group))
    wait_until(lambda: pipeline_fields(api, pipeline)["@pipelineState"] == "FINISHED")


def test_a_schedule_that_keeps_what_waits(api):
    """Without a cancel what runs goes on, no interval begins meanwhile, and nothing is lost."""
    group, begin = new_group(), ago(2.5)
    pipeline = start(api, scheduled("A", group, maxActiveInstances="2"), schedule(HOUR, begin))
    wait_until(lambda: len(ids(api, pipeline)) == 2)
    running = poll(api, group)
    api.deactivate_pipeline(pipelineId=pipeline, cancelActive=False)
    assert pipeline_fields(api, pipeline)["@pipelineState"] == "DEACTIVATING"
    finish(api, running)
    assert pipeline_fields(api, pipeline)["@pipelineState"] == "INACTIVE"
    kept = names("A", begin, 0, 1)
    (_, fields) = describe(api, pipeline, *kept)
    assert fields["@waitingReason"] == "the pipeline is deactivated: activate it to go on"
    assert ids(api, pipeline) == kept
    api.activate_pipeline(pipelineId=pipeline)
    for k in (1, 2):
        task = poll(api, group)
        assert task["attemptId"].startswith(names("A", begin, k)[0])
        finish(api, task)


def test_a_start_after_a_cancel(api):
    """What was canceled before the time to go on from is skipped, as what is before it is."""
    group, begin = new_group(), ago(5.5)
    pipeline = start(api, scheduled("A", group, maxActiveInstances="2"), schedule(HOUR, begin))
    wait_until(lambda: len(ids(api, pipeline)) == 2)
    poll(api, group)
    api.deactivate_pipeline(pipelineId=pipeline)
    api.activate_pipeline(pipelineId=pipeline, startTimestamp=seconds(later(begin, hours=4)))
    assert poll(api, group)["attemptId"].startswith(names("A", begin, 4)[0])
    assert ids(api, pipeline, "INSTANCE", CANCELED) == []
    assert ids(api, pipeline, "INSTANCE", SKIPPED) == names("A", begin, 0, 1, 2, 3)
