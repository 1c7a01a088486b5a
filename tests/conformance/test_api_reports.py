"""ReportTaskProgress: verdicts, reasons, and the answer byte for byte."""

from __future__ import annotations

import re

import pytest
from pipelines import activity, describe, finish, ids, new_group, poll, start

FALSE = b'{"canceled":false}'
LOST = b'{"canceled":true,"reason":"LEASE_LOST"}'
CANCELED = b'{"canceled":true,"reason":"CANCELED"}'
DELETED = b'{"canceled":true,"reason":"DELETED"}'


@pytest.fixture
def group():
    """A worker group of the test's own."""
    return new_group()


def send(replica, task, **members):
    """Report over raw HTTP: body and verdict of the answer."""
    answer = replica.post("ReportTaskProgress", {"taskId": task["taskId"], **members})
    assert answer.status == 200
    return answer.body, answer.headers["x-coordinator-verdict"]


def test_the_references_sample_request_gets_the_references_answer(api, replica, group):
    """Exactly 18 bytes, with a request id and the protocol's content type."""
    start(api, activity("A", group))
    fields = [{"key": "percentComplete", "stringValue": "50"}]
    body = {"taskId": poll(api, group)["taskId"], "fields": fields}
    answer = replica.post("ReportTaskProgress", body)
    assert answer.status == 200
    assert answer.body == FALSE
    assert answer.headers["content-length"] == "18"
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.headers["x-coordinator-verdict"] == "accepted"
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
        answer.headers["x-amzn-requestid"],
    )


def test_boto3_sees_the_answer_and_a_new_request_id_each_time(api, group):
    """Every SDK reads the id from the same header."""
    start(api, activity("A", group))
    task = poll(api, group)
    answers = [api.report_task_progress(taskId=task["taskId"]) for _ in range(2)]
    assert [answer["canceled"] for answer in answers] == [False, False]
    assert len({answer["ResponseMetadata"]["RequestId"] for answer in answers}) == 2


def test_the_first_report_acknowledges(api, group):
    """The attempt is RUNNING only then."""
    pipeline = start(api, activity("A", group))
    task, names = poll(api, group), ids(api, pipeline)
    assert describe(api, pipeline, *names)[0]["@status"] == "WAITING_FOR_RUNNER"
    api.report_task_progress(taskId=task["taskId"])
    rows = describe(api, pipeline, *names, task["attemptId"])
    assert [row["@status"] for row in rows] == ["RUNNING", "RUNNING"]


@pytest.mark.parametrize("status", ["FINISHED", "FAILED"])
def test_a_report_after_the_handles_own_result_changes_nothing(api, replica, group, status):
    """The runner is not told to stop what it has ended."""
    pipeline = start(api, activity("A", group, maximumRetries="0"))
    task = poll(api, group)
    finish(api, task, status)
    before = describe(api, pipeline, task["attemptId"])
    field = {"key": "late", "stringValue": "1"}
    assert send(replica, task, fields=[field]) == (FALSE, "repeat")
    assert describe(api, pipeline, task["attemptId"]) == before


def test_a_report_for_a_lease_that_was_taken_away_says_stop(api, replica, group):
    """The next holder is not disturbed."""
    start(api, activity("A", group, reportProgressTimeout="1 second"))
    silent = poll(api, group)
    assert send(replica, silent) == (FALSE, "accepted")
    poll(api, group)
    field = {"key": "mine", "stringValue": "1"}
    assert send(replica, silent, fields=[field]) == (LOST, "superseded")


def test_a_report_after_a_cancel_says_stop(api, replica, group):
    """Every further one too."""
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    api.set_status(pipelineId=pipeline, objectIds=ids(api, pipeline), status="TRY_CANCEL")
    for _ in range(2):
        assert send(replica, task) == (CANCELED, "canceled")
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is True


def test_a_report_after_the_pipeline_was_deleted_says_stop(api, replica, group):
    """The attempt ran when the pipeline was deleted."""
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    api.delete_pipeline(pipelineId=pipeline)
    for _ in range(2):
        assert send(replica, task) == (DELETED, "canceled")


def test_a_report_for_an_attempt_that_had_ended_before_the_deletion(api, group):
    """Nothing of it is known any more."""
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    finish(api, task)
    api.delete_pipeline(pipelineId=pipeline)
    with pytest.raises(api.exceptions.PipelineDeletedException):
        api.report_task_progress(taskId=task["taskId"])


def test_an_unknown_task_is_not_found(api, replica):
    """The verdict says so too."""
    answer = replica.post("ReportTaskProgress", {"taskId": "t-1"})
    assert answer.status == 400
    assert answer.headers["x-coordinator-verdict"] == "unknown"
    with pytest.raises(api.exceptions.TaskNotFoundException, match="taskId"):
        api.report_task_progress(taskId="t-1")


def test_fifty_distinct_keys_are_the_most_of_an_attempt(api, group):
    """A report that would add another is refused whole, one that repeats them is not."""
    pipeline = start(api, activity("A", group))
    task = poll(api, group)

    def report(*keys):
        fields = [{"key": key, "stringValue": "v"} for key in keys]
        api.report_task_progress(taskId=task["taskId"], fields=fields)

    report(*(f"k{n}" for n in range(30)))
    report(*(f"k{n}" for n in range(50)))
    with pytest.raises(api.exceptions.InvalidRequestException, match="51 distinct keys"):
        report("k0", "one-more")
    (fields,) = describe(api, pipeline, task["attemptId"])
    assert "one-more" not in fields
    assert fields["k49"] == "v"


def test_a_later_report_replaces_the_keys_that_it_names(api, group):
    """Other keys stay; values keep their order, their kind and their characters."""
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    one = [{"key": "a", "stringValue": "1"}, {"key": "b", "stringValue": "é\U0001f600\t"}]
    two = [{"key": "a", "stringValue": "2"}, {"key": "a", "refValue": "A"}]
    for fields in (one, two):
        api.report_task_progress(taskId=task["taskId"], fields=fields)
    (found,) = api.describe_objects(pipelineId=pipeline, objectIds=[task["attemptId"]])[
        "pipelineObjects"
    ]
    shown = [field for field in found["fields"] if field["key"] in {"a", "b"}]
    assert sorted(shown, key=lambda field: field["key"]) == [*two, one[1]]


def test_a_report_moves_the_deadline(api, group):
    """A task that reports outlives its timeout more than once over."""
    start(api, activity("A", group, reportProgressTimeout="4 seconds"))
    task = poll(api, group)
    for _ in range(5):
        api.report_task_progress(taskId=task["taskId"])
        api.poll_for_task(workerGroup=f"{group} wait 1 s")
        assert api.report_task_progress(taskId=task["taskId"])["canceled"] is False
    finish(api, task)
