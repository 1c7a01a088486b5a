"""@waitingReason and @waitingOn: why an instance is not done yet."""

from __future__ import annotations

import re

import pytest
from pipelines import (
    Ref,
    activity,
    finish,
    ids,
    item,
    new_group,
    poll,
    selector,
    start,
)
from waiting import wait_until

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


def fields_of(api, pipeline, component):
    """The fields of a component's instance: all values of each key."""
    wanted = selector("@componentParent", "REF_EQ", component)
    names = ids(api, pipeline, "INSTANCE", wanted)
    (described,) = api.describe_objects(pipelineId=pipeline, objectIds=names)["pipelineObjects"]
    found: dict[str, list[str]] = {}
    for field in described["fields"]:
        found.setdefault(field["key"], []).append(field.get("stringValue", field.get("refValue")))
    return found


def reason(api, pipeline, component="A"):
    """Why the component's instance waits; None where no reason is given."""
    return fields_of(api, pipeline, component).get("@waitingReason", [None])[0]


def polled(api, group):
    """Poll once in vain, and let the coordinator tell of it, as it does once a second."""
    assert "taskObject" not in api.poll_for_task(workerGroup=group)


def test_dependencies(api):
    """Each is named with what it is; the list is in @waitingOn."""
    group = new_group()
    needs = [Ref("A"), Ref("B"), Ref("C")]
    pipeline = start(
        api,
        *(activity(name, group) for name in "AB"),
        activity("C", group, dependsOn=Ref("A")),
        activity("D", group, dependsOn=needs),
    )
    api.report_task_progress(taskId=poll(api, group)["taskId"])
    one, two, three, _ = ids(api, pipeline)
    fields = fields_of(api, pipeline, "D")
    assert fields["@waitingOn"] == [one, two, three]
    first = f"waits for '{one}' (RUNNING), '{two}' (WAITING_FOR_RUNNER) and "
    assert fields["@waitingReason"] == [f"{first}'{three}' (WAITING_ON_DEPENDENCIES)"]


def test_many_dependencies(api):
    """Five are named, and how many more there are."""
    group = new_group()
    names = [f"A{n}" for n in range(12)]
    last = activity("Last", group, dependsOn=[Ref(name) for name in names])
    pipeline = start(api, *(activity(name, group) for name in names), last)
    fields = fields_of(api, pipeline, "Last")
    assert len(fields["@waitingOn"]) == 5
    assert fields["@waitingReason"][0].endswith(" and 7 more")


@pytest.mark.parametrize("status", ["FAILED", "CANCELED"])
def test_a_dependency_that_has_failed(api, status):
    """The sentence says what can be done."""
    group = new_group()
    pipeline = start(
        api, activity("A", group, maximumRetries="0"), activity("B", group, dependsOn=Ref("A"))
    )
    name = ids(api, pipeline)[0]
    if status == "FAILED":
        finish(api, poll(api, group), "FAILED")
    else:
        api.set_status(pipelineId=pipeline, objectIds=[name], status="TRY_CANCEL")
    told = f"waits for '{name}', which is {status}: rerun it or mark it finished"
    assert reason(api, pipeline, "B") == told


def test_a_retry_delay(api):
    """When the next attempt begins."""
    group = new_group()
    pipeline = start(api, activity("A", group, retryDelay="1 hour"))
    finish(api, poll(api, group), "FAILED", errorId="Odd", errorMessage="it broke")
    told = rf"attempt 1 failed \(Odd: it broke\); attempt 2 begins at {TIME}, after its retryDelay"
    assert re.fullmatch(told, reason(api, pipeline))
    assert fields_of(api, pipeline, "A")["@status"] == ["SCHEDULED"]


def test_a_paused_component(api):
    """Since when, and what to do."""
    pipeline = start(api, activity("A", new_group()))
    api.set_status(pipelineId=pipeline, objectIds=["A"], status="PAUSE")
    told = rf"component 'A' is paused since {TIME}: resume it"
    assert re.fullmatch(told, reason(api, pipeline))


def test_a_deactivated_pipeline(api):
    """What is kept until it is activated again."""
    pipeline = start(api, activity("A", new_group()))
    api.deactivate_pipeline(pipelineId=pipeline, cancelActive=False)
    assert reason(api, pipeline) == "the pipeline is deactivated: activate it to go on"


def test_a_worker_group_that_nobody_polls(api):
    """The nearest name that is polled: the same but for case, or spelled alike."""
    group = new_group()
    pipeline = start(
        api,
        activity("A", group.upper()),
        activity("B", group + "x"),
        activity("C", "quite another"),
        item("Default", maxActiveInstances="2"),
    )
    polled(api, group)
    told = f"no runner has polled worker group '{group.upper()}' lately (nearest: '{group}', 1 r"
    wait_until(lambda: (reason(api, pipeline) or "").startswith(told))
    assert f"'{group}x' lately (nearest: '{group}', 1 runner)" in reason(api, pipeline, "B")
    alone = "no runner has polled worker group 'quite another' lately"
    assert reason(api, pipeline, "C") == alone


def test_a_group_that_differs_in_case_only(api):
    """ETL is not etl."""
    pipeline = start(api, activity("A", "ETL"))
    polled(api, "etl")
    told = "no runner has polled worker group 'ETL' lately (nearest: 'etl', 1 runner)"
    wait_until(lambda: reason(api, pipeline) == told)


def test_a_turn_in_a_group_that_is_polled(api):
    """How many runners there are."""
    group = new_group()
    pipeline = start(api, activity("A", group, maximumRetries="0"), activity("B", group))
    for host in ("one", "two"):
        finish(api, poll(api, group, host))
    api.activate_pipeline(pipelineId=pipeline)
    told = f"waits for its turn in worker group '{group}', polled by 2 runners"

    def reasons():
        names = ids(api, pipeline)[2:]
        rows = api.describe_objects(pipelineId=pipeline, objectIds=names)["pipelineObjects"]
        return {
            field["stringValue"]
            for row in rows
            for field in row["fields"]
            if field["key"] == "@waitingReason"
        }

    wait_until(lambda: reasons() == {told})


@pytest.mark.parametrize(("hostname", "holder"), [("host-1", "'host-1'"), (None, "a runner")])
def test_a_task_that_was_handed_out(api, hostname, holder):
    """To whom, since when, and by when it must acknowledge; then report."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    named = {"hostname": hostname} if hostname else {}
    task = api.poll_for_task(workerGroup=group, **named)["taskObject"]
    told = rf"was handed to {holder} at {TIME}, and is to be acknowledged by {TIME}"
    assert re.fullmatch(told, reason(api, pipeline))
    api.report_task_progress(taskId=task["taskId"])
    told = rf"runs on {holder}, last reported at {TIME}, must report again by {TIME}"
    assert re.fullmatch(told, reason(api, pipeline))


@pytest.mark.parametrize("status", ["FINISHED", "FAILED"])
def test_nothing_waits_that_has_ended(api, status):
    """Neither a reason nor a list."""
    group = new_group()
    pipeline = start(api, activity("A", group, maximumRetries="0"))
    finish(api, poll(api, group), status)
    fields = fields_of(api, pipeline, "A")
    assert "@waitingReason" not in fields
    assert "@waitingOn" not in fields
