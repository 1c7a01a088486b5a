"""SetTaskStatus."""

from __future__ import annotations

import json
import re

import pytest
from pipelines import (
    Ref,
    activity,
    ago,
    describe,
    finish,
    ids,
    item,
    later,
    new_group,
    poll,
    start,
    statuses,
)


@pytest.fixture
def group():
    """A worker group of the test's own."""
    return new_group()


def send(replica, task, status, **members):
    """Set the status over raw HTTP: HTTP status and verdict of the answer."""
    body = {"taskId": task["taskId"], "taskStatus": status, **members}
    answer = replica.post("SetTaskStatus", body)
    if answer.status == 200:
        assert answer.body == b"{}"
    return answer.status, answer.headers["x-coordinator-verdict"]


def test_a_result_needs_no_report_before(api, replica, group):
    """It acknowledges too."""
    pipeline = start(api, activity("A", group))
    assert send(replica, poll(api, group), "FINISHED") == (200, "accepted")
    assert statuses(api, pipeline) == {"A": "FINISHED"}


@pytest.mark.parametrize("status", ["FINISHED", "FAILED"])
def test_the_same_result_again_changes_nothing(api, replica, group, status):
    """Clients repeat calls whose answer was lost."""
    pipeline = start(api, activity("A", group, maximumRetries="0"))
    task = poll(api, group)
    assert send(replica, task, status, errorId="first") == (200, "accepted")
    before = describe(api, pipeline, task["attemptId"], *ids(api, pipeline))
    assert send(replica, task, status, errorId="second") == (200, "repeat")
    assert describe(api, pipeline, task["attemptId"], *ids(api, pipeline)) == before


def test_a_repeated_failure_does_not_use_up_a_second_retry(api, replica, group):
    """The next attempt is not touched."""
    pipeline = start(api, activity("A", group, maximumRetries="1"))
    first = poll(api, group)
    send(replica, first, "FAILED")
    second = poll(api, group)
    assert send(replica, first, "FAILED") == (200, "repeat")
    assert send(replica, second, "FINISHED") == (200, "accepted")
    assert statuses(api, pipeline) == {"A": "FINISHED"}


def test_a_runner_that_was_stopped_uses_up_no_retry(api, replica, group):
    """Its task is offered again whatever its retries and their delay, soon after its hand-out."""
    pipeline = start(api, activity("A", group, maximumRetries="0", retryDelay="1 hour"))
    task = poll(api, group)
    stopped = {"errorId": "RunnerStopped", "errorMessage": "why"}
    assert send(replica, task, "FAILED", **stopped) == (200, "accepted")
    assert send(replica, task, "FAILED", **stopped) == (200, "repeat")
    ended, waiting = describe(api, pipeline, task["attemptId"], *ids(api, pipeline))
    assert (ended["@status"], ended["errorId"]) == ("FAILED", "RunnerStopped")
    told = r"attempt 1 failed \(RunnerStopped: why\); attempt 2 begins at ([\dT:-]+)"
    (begins,) = re.fullmatch(told, waiting["@waitingReason"]).groups()
    assert begins <= later(ago(0), seconds=20)
    assert waiting["@status"] == "SCHEDULED"


@pytest.mark.parametrize(("first", "second"), [("FINISHED", "FAILED"), ("FAILED", "FINISHED")])
def test_another_result_after_the_first_is_refused(api, group, first, second):
    """The first one stands, and the sentence says which it is."""
    pipeline = start(api, activity("A", group, maximumRetries="0"))
    task = poll(api, group)
    finish(api, task, first)
    with pytest.raises(api.exceptions.InvalidRequestException, match=f"is {first} already"):
        finish(api, task, second)
    assert statuses(api, pipeline) == {"A": first}


def test_false_is_for_preconditions(api, group):
    """An activity keeps running."""
    start(api, activity("A", group))
    task = poll(api, group)
    with pytest.raises(api.exceptions.InvalidRequestException, match="preconditions"):
        finish(api, task, "FALSE")
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is False


def test_a_precondition_that_is_not_satisfied_yet(api, replica, group):
    """FALSE is accepted; the same attempt is offered again, and `@waitingReason` says why."""
    precondition = item("Marked", type="Exists", retryDelay="3 seconds")
    pipeline = start(api, activity("A", group, precondition=Ref("Marked")), precondition)
    first = poll(api, group)
    assert send(replica, first, "FALSE", errorMessage="no mark") == (200, "accepted")
    assert send(replica, first, "FALSE", errorMessage="no mark") == (200, "repeat")
    (checked, waiting) = describe(api, pipeline, *sorted(ids(api, pipeline), reverse=True))
    assert "was not satisfied at check 1 (no mark)" in checked["@waitingReason"]
    assert "no mark" in waiting["@waitingReason"]
    again = poll(api, group)
    assert again["attemptId"] == first["attemptId"]
    finish(api, again)
    finish(api, poll(api, group))
    assert statuses(api, pipeline) == {"A": "FINISHED", "Marked": "FINISHED"}


def test_a_result_from_a_superseded_handle_is_refused(api, replica, group):
    """The sentence says that the lease was lost, when, and who holds it now."""
    pipeline = start(api, activity("A", group, reportProgressTimeout="1 second"))
    silent = poll(api, group, "old host")
    api.report_task_progress(taskId=silent["taskId"])
    api.poll_for_task(workerGroup=f"{group} wait 1 s")
    holder = poll(api, group, "new\r\nhöst")
    with pytest.raises(api.exceptions.TaskNotFoundException) as refused:
        finish(api, silent)
    message = refused.value.response["Error"]["Message"]
    assert "was lost at 20" in message
    assert "'new  höst'" in message
    assert send(replica, silent, "FINISHED") == (400, "superseded")
    finish(api, holder)
    assert statuses(api, pipeline) == {"A": "FINISHED"}


@pytest.mark.parametrize("status", ["FINISHED", "FAILED"])
def test_a_canceled_attempt_stays_canceled(api, replica, group, status):
    """Whatever its runner says."""
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    api.set_status(pipelineId=pipeline, objectIds=ids(api, pipeline), status="TRY_CANCEL")
    assert send(replica, task, status) == (200, "canceled")
    assert statuses(api, pipeline) == {"A": "CANCELED"}


def test_a_result_for_a_deleted_pipeline_is_refused(api, group):
    """The deletion is what the runner is told."""
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    api.delete_pipeline(pipelineId=pipeline)
    with pytest.raises(api.exceptions.PipelineDeletedException, match="was deleted at"):
        finish(api, task)


def test_long_texts_are_cut_and_never_refused(api, group):
    """A result must not be lost for the length of its stack trace."""
    pipeline = start(api, activity("A", group, maximumRetries="0"))
    task = poll(api, group)
    texts = {"errorId": "i" * 3000, "errorMessage": "m" * 30_000, "errorStackTrace": "t" * 300_000}
    finish(api, task, "FAILED", **texts)
    (fields,) = describe(api, pipeline, task["attemptId"])
    assert fields["errorId"] == "i" * 1024
    assert fields["errorStackTrace"] == "t" * 1024
    assert fields["errorMessage"] == "m" * 10_240


def test_odd_characters_in_texts_are_replaced_and_never_refused(api, replica, group):
    """Control characters, and half of a pair as JavaScript cuts an emoji."""
    pipeline = start(api, activity("A", group, maximumRetries="0"))
    task = poll(api, group)
    body = json.dumps({"taskId": task["taskId"], "taskStatus": "FAILED"})[:-1]
    body += r', "errorMessage": "a\u0000b\ud83dc", "errorStackTrace": "\ud83d\ude00"}'
    assert replica.post("SetTaskStatus", body).status == 200
    (fields,) = describe(api, pipeline, task["attemptId"])
    assert fields["errorMessage"] == "a�b�c"
    assert fields["errorStackTrace"] == "\U0001f600"


def test_the_instance_shows_the_error_of_its_last_attempt(api, group):
    """An instance that failed for good says why."""
    pipeline = start(api, activity("A", group, maximumRetries="0"))
    finish(api, poll(api, group), "FAILED", errorId="Oops", errorMessage="why")
    (fields,) = describe(api, pipeline, *ids(api, pipeline))
    assert (fields["@status"], fields["errorId"], fields["errorMessage"]) == (
        "FAILED",
        "Oops",
        "why",
    )


def test_an_unknown_task_is_not_found(api, replica):
    """The verdict says so too."""
    assert send(replica, {"taskId": "t-1"}, "FINISHED") == (400, "unknown")
    with pytest.raises(api.exceptions.TaskNotFoundException):
        finish(api, {"taskId": "t-1"})


def test_a_finished_task_lets_its_dependents_run(api, group):
    """The only way on for them."""
    start(api, activity("A", group), activity("B", group, dependsOn=Ref("A")))
    finish(api, poll(api, group))
    assert poll(api, group)["attemptId"].startswith("@B_")
