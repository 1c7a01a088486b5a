"""Activities that wait for preconditions, for tests of the API."""

from __future__ import annotations

from pipelines import Ref, activity, describe, finish, ids, item, poll, selector, statuses

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
READY, WAITS, LATER = "WAITING_FOR_RUNNER", "WAITING_ON_DEPENDENCIES", "SCHEDULED"


def precondition(object_id="Check", **fields):
    """A precondition that is checked each second."""
    given = {"type": "ShellCommandPrecondition", "command": "true", "retryDelay": "1 second"}
    return item(object_id, **given | fields)


def guarded(group, **fields):
    """An activity, its precondition, and what depends on the activity."""
    return (
        activity("A", group, precondition=Ref("Check")),
        activity("B", group, dependsOn=Ref("A")),
        precondition(**fields),
    )


def of(api, pipeline, component):
    """The instance of a component."""
    (name,) = ids(api, pipeline, "INSTANCE", selector("@componentParent", "REF_EQ", component))
    return name


def shown(api, pipeline, component):
    """The fields of a component's instance."""
    (fields,) = describe(api, pipeline, of(api, pipeline, component))
    return fields


def reason(api, pipeline, component):
    """Why a component's instance waits."""
    return shown(api, pipeline, component).get("@waitingReason")


def rerun_is_checked_again(api, group, pipeline):
    """Run the activity of `guarded` again: its precondition is checked again, and all finish."""
    api.set_status(pipelineId=pipeline, objectIds=[of(api, pipeline, "A")], status="RERUN")
    assert statuses(api, pipeline) == {"Check": READY, "A": WAITS, "B": WAITS}
    for component in ("Check", "A", "B"):
        task = poll(api, group)
        assert task["attemptId"].startswith(f"@{component}_")
        finish(api, task)
