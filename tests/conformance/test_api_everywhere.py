"""Pipelines over HTTP on every kind of server, with several shards and two replicas."""

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
    poll,
    put,
    selector,
    start,
    statuses,
)
from replicas import run_command
from waiting import wait_until

PIPELINES = 120


@pytest.fixture
def clients(redis_url, new_replica):
    """Clients of two replicas on six shards."""
    grown = run_command("shards", "grow", "6", REDIS_URL=redis_url)
    assert grown.returncode == 0, grown.stderr
    made = [new_replica(redis_url, POLL_WAIT=5).client() for _ in range(2)]
    yield made
    for client in made:
        client.close()


def test_pipelines_of_all_shards_are_listed_once_each(clients):
    """Whichever replica is asked for which page, and however a pipeline is made twice."""
    one, two = clients
    made = {one.create_pipeline(name=f"p{n}", uniqueId="u")["pipelineId"] for n in range(PIPELINES)}
    again = {two.create_pipeline(name=f"p{n}", uniqueId="u")["pipelineId"] for n in range(10)}
    assert again <= made
    assert len({pipeline[:7] for pipeline in made}) == 6, "all shards are used"
    first = one.list_pipelines()
    second = two.list_pipelines(marker=first["marker"])
    listed = [row["id"] for row in first["pipelineIdList"] + second["pipelineIdList"]]
    assert len(listed) == PIPELINES
    assert set(listed) == made
    assert not second["hasMoreResults"]
    described = two.describe_pipelines(pipelineIds=listed[:100])["pipelineDescriptionList"]
    assert [row["pipelineId"] for row in described] == listed[:100]


def test_a_life_from_creation_to_deletion(clients):
    """Every call goes to the other replica than the one before."""
    one, two = clients
    group, pipeline = new_group(), create(one)
    put(
        two,
        pipeline,
        activity("A", group, maximumRetries="1"),
        activity("B", group, dependsOn=Ref("A")),
    )
    one.activate_pipeline(pipelineId=pipeline)
    first = poll(two, group)
    fields = [{"key": "part", "stringValue": "7"}]
    assert one.report_task_progress(taskId=first["taskId"], fields=fields)["canceled"] is False
    finish(two, first, "FAILED", errorId="Oops")
    second = poll(one, group)
    assert {"key": "@previous.part", "stringValue": "7"} in second["objects"][second["attemptId"]][
        "fields"
    ]
    finish(two, second)
    last = poll(one, group)
    assert describe(two, pipeline, last["attemptId"])[0]["@componentParent"] == "B"
    two.set_status(
        pipelineId=pipeline,
        objectIds=ids(one, pipeline, "INSTANCE", selector("@componentParent", "REF_EQ", "B")),
        status="TRY_CANCEL",
    )
    assert one.report_task_progress(taskId=last["taskId"])["canceled"] is True
    assert statuses(two, pipeline) == {"A": "FINISHED", "B": "CANCELED"}
    assert two.report_task_runner_heartbeat(taskrunnerId="r")["terminate"] is False
    one.delete_pipeline(pipelineId=pipeline)
    with pytest.raises(two.exceptions.PipelineDeletedException):
        two.get_pipeline_definition(pipelineId=pipeline)


def test_tasks_of_all_shards_reach_every_poll(clients):
    """A group's tasks are found wherever they are, each once."""
    one, two = clients
    group = new_group()
    started = {start(one, activity("A", group)) for _ in range(20)}
    tasks = [poll((one, two)[n % 2], group) for n in range(20)]
    assert {task["pipelineId"] for task in tasks} == started
    for task in tasks:
        finish(two, task)
    for pipeline in started:
        wait_until(lambda pipeline=pipeline: statuses(one, pipeline) == {"A": "FINISHED"})
