"""Schedules that are edited, given by parameters, mixed with none, or guarded against backfills."""

from __future__ import annotations

import pytest
from pipelines import (
    HOUR,
    Ref,
    activity,
    ago,
    create,
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
    seconds,
    start,
    task_fields,
)
from waiting import wait_until


def test_an_edit_takes_effect_at_the_next_activation(api):
    """The intervals that begin from then on are of the new definition; what was made is not."""
    group, begin = new_group(), ago(4.5)
    one = {"maxActiveInstances": "1"}
    old, times = scheduled("A", group, command="old", **one), schedule(HOUR, begin)
    new = scheduled("A", group, command="new", **one)
    pipeline = start(api, old, times)
    finish(api, poll(api, group))
    put(api, pipeline, new, scheduled("B", group, dependsOn=Ref("A")), times)
    task = poll(api, group)
    assert task_fields(task)["command"] == "old"
    api.activate_pipeline(pipelineId=pipeline)
    finish(api, task)
    task = poll(api, group)
    assert task["attemptId"].startswith(names("A", begin, 2)[0])
    assert (task_fields(task)["command"], task_fields(task)["@version"]) == ("new", "2")
    finish(api, task)
    assert poll(api, group)["attemptId"].startswith(names("B", begin, 2)[0])


def test_a_component_that_is_added(api):
    """What waits for it on another schedule does not wait for intervals that it never had."""
    group, begin = new_group(), ago(3.5)
    one = {"maxActiveInstances": "1"}
    short, long = schedule(HOUR, begin), schedule("4 hours", begin, "L")
    pipeline = start(api, scheduled("A", group, **one), short)
    finish(api, poll(api, group))
    finish(api, poll(api, group))
    running = poll(api, group)
    put(
        api,
        pipeline,
        scheduled("A", group, **one),
        scheduled("B", group),
        scheduled("Long", group, schedule=Ref("L"), dependsOn=Ref("B")),
        short,
        long,
    )
    api.activate_pipeline(pipelineId=pipeline)
    (name,) = wait_until(lambda: [n for n in ids(api, pipeline) if n.startswith("@Long")])
    (fields,) = describe(api, pipeline, name)
    third = names("B", begin, 3)[0]
    told = f"waits for '{third}' (of an interval that has not come yet)"
    assert fields["@waitingReason"] == told
    finish(api, running)
    for _ in range(2):
        finish(api, poll(api, group))
    assert poll(api, group)["attemptId"].startswith(name)


def test_what_may_not_change(api):
    """The start and the period of a schedule that has run, and the way to run."""
    group, begin = new_group(), ago(1.5)
    work = scheduled("A", group)
    pipeline = start(api, work, schedule(HOUR, begin))
    for objects in (
        [work, schedule("2 hours", begin)],
        [work, schedule(HOUR, later(begin, hours=1))],
        [scheduled("A", group, "timeseries"), schedule(HOUR, begin)],
    ):
        found = api.put_pipeline_definition(pipelineId=pipeline, pipelineObjects=objects)
        assert found["errored"]
        assert "cannot change" in found["validationErrors"][0]["errors"][0]


def test_parameters_of_a_schedule(api):
    """They have their values at the activation; another period then is refused."""
    group, pipeline = new_group(), create(api)
    times = schedule("#{myCount} #{myUnit}", "#{myBegin}")
    found = api.put_pipeline_definition(
        pipelineId=pipeline,
        pipelineObjects=[scheduled("A", group), times],
        parameterObjects=[
            {"id": f"my{name}", "attributes": [{"key": "type", "stringValue": "String"}]}
            for name in ("Count", "Unit", "Begin")
        ],
        parameterValues=[{"id": "myUnit", "stringValue": "hours"}],
    )
    assert not found["errored"]
    begin = ago(4.5)
    given = {"myCount": "2", "myBegin": begin}

    def activate(**values):
        api.activate_pipeline(
            pipelineId=pipeline,
            parameterValues=[{"id": k, "stringValue": v} for k, v in values.items()],
        )

    for bad in ({"myCount": "x"}, {"myBegin": "soon"}, {"myUnit": "fortnight"}):
        with pytest.raises(api.exceptions.InvalidRequestException, match="Object 'S': "):
            activate(**given | bad)
    with pytest.raises(api.exceptions.InvalidRequestException, match="myBegin"):
        activate(myCount="2")
    activate(**given)
    wait_until(lambda: ids(api, pipeline) == names("A", begin, 0, 1, 2, hours=2))
    with pytest.raises(api.exceptions.InvalidRequestException, match="by its schedule 'S'"):
        activate(**given | {"myCount": "3"})
    activate(**given)
    assert len(ids(api, pipeline)) == 3


@pytest.mark.parametrize("text", ["#{@scheduledStartTime}", "#{nobody}", "#{"])
def test_an_expression_that_is_no_period(api, text):
    """What is not known before there is an interval cannot make one."""
    found = api.put_pipeline_definition(
        pipelineId=create(api), pipelineObjects=[scheduled("A", "g"), schedule(text, ago(1))]
    )
    assert found["errored"]
    assert found["validationErrors"][0]["id"] == "S"


def test_an_expression_as_start(api):
    """What can be worked out at the activation can be a start."""
    group = new_group()
    begin = "#{makeDate(2024, 2, 29)}"
    work = scheduled("A", group)
    start(api, work, schedule("1 #{unit}", begin, unit="year", occurrences="2"))
    for day in ("2024-02-29", "2025-02-28"):
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@A_{day}T00:00:00")
        finish(api, task)


def test_a_mix_is_refused(api):
    """A pipeline has activities of one kind."""
    found = api.put_pipeline_definition(
        pipelineId=create(api),
        pipelineObjects=[
            scheduled("A", "g"),
            activity("B", "g", scheduleType="ondemand"),
            item("C", type="ShellCommandActivity", command="c", workerGroup="g"),
            schedule(HOUR),
        ],
    )
    assert [row["id"] for row in found["validationErrors"]] == ["B", "C"]


@pytest.mark.parametrize("guard", ["off", "warn", "refuse"])
def test_the_guard_against_backfills(replica, new_replica, guard):
    """A start of long ago is warned of, or refused, until it is activated with a later one."""
    guarded = new_replica(replica.settings["REDIS_URL"], BACKFILL_GUARD=guard, POLL_WAIT=1)
    api, group = guarded.client(), new_group()
    begin = ago(50)
    for cascade in ({}, {"failureAndRerunMode": "cascade"}):
        pipeline = create(api)
        found = put(api, pipeline, scheduled("A", group, **cascade), schedule(HOUR, begin))
        warned = {row["id"] for row in found["validationWarnings"]}
        assert warned == set() if guard == "off" else warned == {"S", *("A" for _ in cascade)}
    if guard == "refuse":
        for more in ({}, {"startTimestamp": seconds(later(begin, hours=1))}):
            with pytest.raises(api.exceptions.InvalidRequestException, match="BACKFILL_GUARD"):
                api.activate_pipeline(pipelineId=pipeline, **more)
        assert pipeline_fields(api, pipeline)["@pipelineState"] == "PENDING"
    api.activate_pipeline(pipelineId=pipeline, startTimestamp=seconds(later(begin, hours=48)))
    assert poll(api, group)["attemptId"].startswith(names("A", begin, 48)[0])
    api.activate_pipeline(pipelineId=pipeline)
    api.close()
