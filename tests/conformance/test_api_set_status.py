"""SetStatus."""

from __future__ import annotations

import pytest
from pipelines import Ref, activity, create, finish, ids, new_group, poll, put, start, statuses
from waiting import wait_until


def set_status(api, pipeline, status, *names):
    """Set the status of these instances, or of all."""
    api.set_status(pipelineId=pipeline, objectIds=list(names) or ids(api, pipeline), status=status)


@pytest.mark.parametrize("word", ["TRY_CANCEL", "try_cancel", "Try_Cancel"])
def test_a_waiting_instance_is_canceled_in_any_case(api, word):
    """It is not handed out any more."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    set_status(api, pipeline, word)
    assert statuses(api, pipeline) == {"A": "CANCELED"}
    assert "taskObject" not in api.poll_for_task(workerGroup=group)


def test_set_status_has_an_empty_body(api, replica):
    """SetStatus has no output: 200 with nothing in it."""
    pipeline = start(api, activity("A", new_group()))
    body = {"pipelineId": pipeline, "objectIds": ids(api, pipeline), "status": "TRY_CANCEL"}
    answer = replica.post("SetStatus", body)
    assert (answer.status, answer.body) == (200, b"")


def test_a_finished_instance_is_not_canceled(api):
    """TRY_CANCEL leaves alone what has ended."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    finish(api, poll(api, group))
    set_status(api, pipeline, "TRY_CANCEL")
    assert statuses(api, pipeline) == {"A": "FINISHED"}


@pytest.mark.parametrize("result", ["FINISHED", "FAILED", "CANCELED"])
def test_rerun_offers_an_ended_instance_again(api, result):
    """A further attempt with a new handle, and a fresh budget of retries."""
    group = new_group()
    pipeline = start(api, activity("A", group, maximumRetries="0"))
    first = poll(api, group)
    if result == "CANCELED":
        set_status(api, pipeline, "TRY_CANCEL")
    else:
        finish(api, first, result)
    assert statuses(api, pipeline) == {"A": result}
    set_status(api, pipeline, "rerun")
    again = poll(api, group)
    assert again["attemptId"] == first["attemptId"].replace("=1", "=2")
    assert again["taskId"] != first["taskId"]
    finish(api, again)
    assert statuses(api, pipeline) == {"A": "FINISHED"}


def test_rerun_leaves_alone_what_has_not_ended(api):
    """A running instance keeps its holder."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    set_status(api, pipeline, "RERUN")
    assert api.report_task_progress(taskId=task["taskId"])["canceled"] is False


def test_rerun_of_a_dependent_waits_for_what_reruns_with_it(api):
    """Both run again, one after the other."""
    group = new_group()
    pipeline = start(api, activity("A", group), activity("B", group, dependsOn=Ref("A")))
    finish(api, poll(api, group))
    finish(api, poll(api, group))
    set_status(api, pipeline, "RERUN")
    assert statuses(api, pipeline) == {
        "A": "WAITING_FOR_RUNNER",
        "B": "WAITING_ON_DEPENDENCIES",
    }


@pytest.mark.parametrize("unknown", ["B2", "@A_2012-12-12T00:00:00", "é"])
@pytest.mark.parametrize("status", ["TRY_CANCEL", "RERUN", "MARK_FINISHED"])
def test_an_unknown_instance_refuses_the_call_and_nothing_changes(api, unknown, status):
    """The others that the call names stay as they were."""
    group = new_group()
    pipeline = start(api, activity("A", group), activity("B", group))
    finish(api, poll(api, group))
    before = statuses(api, pipeline)
    with pytest.raises(
        api.exceptions.InvalidRequestException, match="neither an instance nor a component"
    ):
        set_status(api, pipeline, status, *ids(api, pipeline), unknown)
    assert statuses(api, pipeline) == before


def test_an_unknown_instance_among_many_changes_nothing(api):
    """Also where the ids are more than one script takes."""
    pipeline = start(api, *(activity(f"A{n}", new_group()) for n in range(250)))
    names = [*ids(api, pipeline, limit=250), "@A_2012-12-12T00:00:00"]
    with pytest.raises(
        api.exceptions.InvalidRequestException, match="neither an instance nor a component"
    ):
        set_status(api, pipeline, "TRY_CANCEL", *names)
    assert set(statuses(api, pipeline).values()) == {"WAITING_FOR_RUNNER"}
    set_status(api, pipeline, "TRY_CANCEL", *names[:-1])
    assert set(statuses(api, pipeline).values()) == {"CANCELED"}


@pytest.mark.parametrize("status", ["TRY_CANCEL", "rerun", "Mark_Finished"])
def test_a_component_among_instances_refuses_the_call(api, status):
    """The sentence says what the status is for; the instance stays as it was."""
    pipeline = start(api, activity("A", new_group()))
    with pytest.raises(api.exceptions.InvalidRequestException, match="is for instances, and 'A'"):
        set_status(api, pipeline, status, *ids(api, pipeline), "A")
    assert statuses(api, pipeline) == {"A": "WAITING_FOR_RUNNER"}


@pytest.mark.parametrize("status", ["", "CANCEL", "ﬁnished"])
def test_another_status_is_refused(api, status):
    """The sentence says which there are."""
    pipeline = start(api, activity("A", new_group()))
    with pytest.raises(api.exceptions.InvalidRequestException, match="TRY_CANCEL, RERUN"):
        set_status(api, pipeline, status)


def test_no_instances_at_all_are_refused(api):
    """A call that names nothing is a mistake."""
    pipeline = create(api)
    put(api, pipeline, activity("A", "g"))
    with pytest.raises(api.exceptions.InvalidRequestException, match="objectIds"):
        api.set_status(pipelineId=pipeline, objectIds=[], status="RERUN")


def test_a_repeat_of_the_call_changes_nothing(api, replica):
    """A RERUN repeated with its invocation id does not run a third time what ended meanwhile."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    finish(api, poll(api, group))
    body = {"pipelineId": pipeline, "objectIds": ids(api, pipeline), "status": "RERUN"}
    same = {"amz-sdk-invocation-id": "rerun-once"}
    assert replica.post("SetStatus", body, same).status == 200
    finish(api, poll(api, group))
    assert replica.post("SetStatus", body, same).status == 200
    assert statuses(api, pipeline) == {"A": "FINISHED"}


@pytest.mark.parametrize(
    ("runs", "names", "status"),
    [(1, ["A"], "PAUSE"), (1, ["A"], "RESUME"), (1, [], "TRY_CANCEL"), (201, [], "TRY_CANCEL")],
)
def test_a_repeat_is_one_after_the_deletion_too(api, replica, runs, names, status):
    """What was done is done, though the pipeline went before the answer was known."""
    pipeline = create(api)
    parts = [activity("A" if n == 0 else f"A{n}", "nobody") for n in range(runs)]
    put(api, pipeline, *parts)
    api.activate_pipeline(pipelineId=pipeline)
    wait_until(lambda: len(ids(api, pipeline, limit=1000)) == runs)
    names = names or ids(api, pipeline, limit=1000)
    body = {"pipelineId": pipeline, "objectIds": names, "status": status}
    same = {"amz-sdk-invocation-id": f"deleted-{runs}-{status}"}
    assert replica.post("SetStatus", body, same).status == 200
    api.delete_pipeline(pipelineId=pipeline)
    assert replica.post("SetStatus", body, same).status == 200
    assert replica.post("SetStatus", body).status == 400
