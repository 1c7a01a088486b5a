"""ActivatePipeline."""

from __future__ import annotations

import pytest
from pipelines import Ref, activity, create, finish, ids, item, new_group, poll, put, start
from waiting import wait_until


def test_a_pipeline_without_definition_is_not_activated(api):
    """The sentence says what to call first."""
    with pytest.raises(api.exceptions.InvalidRequestException, match="no definition"):
        api.activate_pipeline(pipelineId=create(api))


def test_a_definition_without_activity_is_not_activated(api):
    """There is nothing to run."""
    pipeline = create(api)
    put(api, pipeline, item("Default", scheduleType="ondemand"))
    with pytest.raises(api.exceptions.InvalidRequestException, match="no activity"):
        api.activate_pipeline(pipelineId=pipeline)


def test_activation_answers_an_empty_object(api, replica):
    """The answer's shape has no members."""
    pipeline = create(api)
    put(api, pipeline, activity("A", new_group()))
    assert replica.post("ActivatePipeline", {"pipelineId": pipeline}).body == b"{}"


def test_the_same_call_again_starts_one_run(api, replica):
    """SDKs repeat a call whose answer was lost with the same invocation id."""
    pipeline = create(api)
    put(api, pipeline, activity("A", new_group()), activity("B", new_group()))
    same = {"amz-sdk-invocation-id": "activate-once"}
    for attempt in ("attempt=1; max=3", "attempt=2; max=3"):
        repeat = {**same, "amz-sdk-request": attempt}
        assert replica.post("ActivatePipeline", {"pipelineId": pipeline}, repeat).status == 200
    assert len(ids(api, pipeline)) == 2


def test_a_repeat_is_answered_whatever_came_between(api, replica):
    """A call that was carried out is answered again, also with a bad definition put meanwhile."""
    pipeline = create(api)
    put(api, pipeline, activity("A", new_group()))
    same = {"amz-sdk-invocation-id": "activate-between"}
    assert replica.post("ActivatePipeline", {"pipelineId": pipeline}, same).status == 200
    found = api.put_pipeline_definition(
        pipelineId=pipeline, pipelineObjects=[activity("A", dependsOn=Ref("Nobody"))]
    )
    assert found["errored"]
    assert replica.post("ActivatePipeline", {"pipelineId": pipeline}, same).status == 200
    assert len(ids(api, pipeline)) == 1
    api.delete_pipeline(pipelineId=pipeline)
    assert replica.post("ActivatePipeline", {"pipelineId": pipeline}, same).status == 200


def test_the_same_invocation_id_with_another_body_is_another_call(api, replica):
    """An id that a client uses twice does not swallow another pipeline's start."""
    same = {"amz-sdk-invocation-id": "activate-two"}
    for _ in range(2):
        pipeline = create(api)
        put(api, pipeline, activity("A", new_group()))
        replica.post("ActivatePipeline", {"pipelineId": pipeline}, same)
        assert len(ids(api, pipeline)) == 1


def test_two_calls_start_two_runs(api):
    """Each run has instances of its own, whose ids differ by their second."""
    runs = item("Default", maxActiveInstances="2")
    pipeline = start(api, runs, activity("A", new_group()), activity("B", new_group()))
    api.activate_pipeline(pipelineId=pipeline)
    found = ids(api, pipeline)
    assert len(set(found)) == 4
    assert len({name.partition("_")[2] for name in found}) == 2


@pytest.mark.parametrize("most", ["1", "3"])
def test_no_more_runs_go_on_than_may(api, most):
    """A further one waits for the end of one of them; without `maxActiveInstances` it is one."""
    group = new_group()
    runs = [item("Default", maxActiveInstances=most)] if most != "1" else []
    pipeline = start(api, *runs, activity("A", group))
    for _ in range(int(most) - 1):
        api.activate_pipeline(pipelineId=pipeline)
    with pytest.raises(api.exceptions.InvalidRequestException, match=f"executions: {most} of"):
        api.activate_pipeline(pipelineId=pipeline)
    assert len(ids(api, pipeline)) == int(most)
    finish(api, poll(api, group))
    api.activate_pipeline(pipelineId=pipeline)
    assert len(ids(api, pipeline)) == int(most) + 1


def test_a_client_without_invocation_id_starts_a_run_a_call(api, replica):
    """Nothing tells such calls from repeats."""
    pipeline = create(api)
    put(api, pipeline, item("Default", maxActiveInstances="2"), activity("A", new_group()))
    for _ in range(2):
        replica.post("ActivatePipeline", {"pipelineId": pipeline})
    assert len(ids(api, pipeline)) == 2


def test_more_instances_than_one_script_makes_are_all_made(api):
    """A run of a thousand components is completed by the cursor, in the definition's order."""
    pipeline, group = create(api), new_group()
    put(api, pipeline, *(activity(f"A{n}", group) for n in range(1000)))
    api.activate_pipeline(pipelineId=pipeline)

    def made():
        pages = api.get_paginator("query_objects").paginate(
            pipelineId=pipeline, sphere="INSTANCE", limit=300
        )
        return [name for page in pages for name in page["ids"]]

    wait_until(lambda: len(made()) == 1000)
    assert [name[1:].partition("_")[0] for name in made()] == [f"A{n}" for n in range(1000)]
    first = poll(api, group)
    assert first["attemptId"].startswith("@A0_")
    finish(api, first)


def test_a_start_is_for_schedules(api):
    """Nobody's time is overlooked: a pipeline on demand starts now, whatever it is told."""
    pipeline = create(api)
    put(api, pipeline, activity("A", new_group()))
    with pytest.raises(api.exceptions.InvalidRequestException, match="runs on demand"):
        api.activate_pipeline(pipelineId=pipeline, startTimestamp=1.5)
    assert ids(api, pipeline) == []
    api.activate_pipeline(pipelineId=pipeline)
    with pytest.raises(api.exceptions.InvalidRequestException, match="runs on demand"):
        api.activate_pipeline(pipelineId=pipeline, startTimestamp=1.5)


def test_a_schedule_begins_at_the_start_that_is_given(api):
    """Fractions of a second are taken as they are: the next interval is the first that runs."""
    group, pipeline = new_group(), create(api)
    times = {"period": "1 day", "startDateTime": "2020-01-01T00:00:00", "occurrences": "9"}
    put(
        api,
        pipeline,
        activity("A", group, schedule=Ref("S"), scheduleType="cron"),
        item("S", type="Schedule", **times),
    )
    api.activate_pipeline(pipelineId=pipeline, startTimestamp=1_578_182_400.5)  # 5 January
    assert poll(api, group)["attemptId"] == "@A_2020-01-06T00:00:00_Attempt=1"
