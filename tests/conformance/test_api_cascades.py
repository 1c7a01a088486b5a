"""failureAndRerunMode=cascade over the API: what fails with another, and reruns with it."""

from __future__ import annotations

import pytest
from pipelines import (
    Ref,
    activity,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    selector,
    start,
    statuses,
)
from waiting import wait_until

FAILED = {"A": "FAILED", "B": "CASCADE_FAILED", "C": "CASCADE_FAILED", "Other": "FINISHED"}


def of_component(api, pipeline, component):
    """The instance of a component."""
    (name,) = ids(api, pipeline, "INSTANCE", selector("@componentParent", "REF_EQ", component))
    return name


def chain(group, *default):
    """A, then B, then C, and another that nothing has to do with."""
    return (
        *default,
        activity("A", group, maximumRetries="0"),
        activity("B", group, dependsOn=Ref("A")),
        activity("C", group, dependsOn=Ref("B")),
        activity("Other", group),
    )


@pytest.fixture
def failed(api):
    """A pipeline whose A has failed, and all that depends on it; and its group."""
    group = new_group()
    pipeline = start(api, *chain(group, item("Default", failureAndRerunMode="CASCADE")))
    first, other = poll(api, group), poll(api, group)
    finish(api, other)
    finish(api, first, "FAILED", errorId="E1")
    wait_until(lambda: statuses(api, pipeline) == FAILED)
    return pipeline, group


def test_dependents_fail_with_it(api, failed):
    """Each says by which way it failed; the pipeline is ill of the one that failed by itself."""
    pipeline, _ = failed
    names = [of_component(api, pipeline, component) for component in "ABC"]
    first, second, third = describe(api, pipeline, *names)
    assert "@cascadeFailedOn" not in first
    assert second["@cascadeFailedOn"] == names[0]
    assert third["@cascadeFailedOn"] == f"{names[1]} <- {names[0]}"
    assert all(row["@actualEndTime"] for row in (first, second, third))
    cascaded = selector("@status", "EQ", "CASCADE_FAILED")
    assert ids(api, pipeline, "INSTANCE", cascaded) == names[1:]
    ill = ids(api, pipeline, "INSTANCE", selector("@status", "EQ", "FAILED"))
    assert ill == names[:1]


def test_a_rerun_takes_them_along(api, failed):
    """They wait for it again, and run to the end."""
    pipeline, group = failed
    name = of_component(api, pipeline, "A")
    api.set_status(pipelineId=pipeline, objectIds=[name], status="RERUN")
    waiting = {
        "A": "WAITING_FOR_RUNNER",
        "B": "WAITING_ON_DEPENDENCIES",
        "C": "WAITING_ON_DEPENDENCIES",
        "Other": "FINISHED",
    }
    wait_until(lambda: statuses(api, pipeline) == waiting)
    assert "@cascadeFailedOn" not in describe(api, pipeline, of_component(api, pipeline, "B"))[0]
    for component in "ABC":
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@{component}_")
        finish(api, task)
    assert set(statuses(api, pipeline).values()) == {"FINISHED"}


def test_a_rerun_of_one_of_them_alone_fails_again(api, failed):
    """What it needs has failed and is not run again."""
    pipeline, group = failed
    name = of_component(api, pipeline, "B")
    api.set_status(pipelineId=pipeline, objectIds=[name], status="RERUN")
    wait_until(lambda: statuses(api, pipeline) == FAILED)
    assert "taskObject" not in api.poll_for_task(workerGroup=group)


def test_a_cancel_cascades_too(api):
    """The dependents of a canceled instance fail with it."""
    group = new_group()
    pipeline = start(api, *chain(group, item("Default", failureAndRerunMode="cascade")))
    name = of_component(api, pipeline, "A")
    api.set_status(pipelineId=pipeline, objectIds=[name], status="TRY_CANCEL")
    wait_until(lambda: statuses(api, pipeline)["C"] == "CASCADE_FAILED")
    assert statuses(api, pipeline)["A"] == "CANCELED"
    assert statuses(api, pipeline)["Other"] == "WAITING_FOR_RUNNER"


def test_without_the_mode_dependents_wait(api):
    """They go on waiting for somebody to rerun or mark it; the default is none."""
    group = new_group()
    pipeline = start(api, *chain(group))
    first = poll(api, group)
    finish(api, first, "FAILED")
    finish(api, poll(api, group))
    assert statuses(api, pipeline) == {
        "A": "FAILED",
        "B": "WAITING_ON_DEPENDENCIES",
        "C": "WAITING_ON_DEPENDENCIES",
        "Other": "FINISHED",
    }
