"""Short words for what tests do with pipelines over the API."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from waiting import wait_until

from coordinator.wire.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]
_numbers = itertools.count(1)
HOUR = "1 hour"


class Ref(NamedTuple):
    """A field's value that refers to another object."""

    id: str


def item(object_id: str, /, **fields: Any) -> Object:
    """Make a pipeline object; a list makes a repeated key, `Ref` a reference."""
    flat = []
    for key, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            ref = isinstance(each, Ref)
            flat.append(
                {"key": key, "refValue" if ref else "stringValue": each.id if ref else each}
            )
    return {"id": object_id, "name": object_id, "fields": flat}


def activity(object_id: str, /, group: str = "", **fields: Any) -> Object:
    """Make a ShellCommandActivity that is retried at once."""
    given = {"type": "ShellCommandActivity", "command": "true", "retryDelay": "0 seconds"}
    if group:
        given["workerGroup"] = group
    return item(object_id, **given | fields)


def scheduled(object_id: str, /, group: str, style: str = "cron", **fields: Any) -> Object:
    """Make such an activity that runs on the schedule S, or on another one."""
    return activity(object_id, group, scheduleType=style, **{"schedule": Ref("S")} | fields)


def schedule(period: str, begin: str = "", object_id: str = "S", /, **fields: Any) -> Object:
    """Make a Schedule, of `begin` or of the first activation on."""
    given = {"startDateTime": begin} if begin else {"startAt": "FIRST_ACTIVATION_DATE_TIME"}
    return item(object_id, type="Schedule", period=period, **given, **fields)


def ago(hours: float) -> str:
    """Return a time in the past as the wire has it, or one to come."""
    return f"{datetime.now(UTC) - timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}"


def later(begin: str, **span: float) -> str:
    """Return the time that is so much later, as the wire has it."""
    return f"{datetime.fromisoformat(begin) + timedelta(**span):%Y-%m-%dT%H:%M:%S}"


def new_group() -> str:
    """Make up a worker group that no other test has."""
    return f"group-{uuid.uuid4().hex[:12]}"


def create(api: Any, name: str = "") -> str:
    """Create a pipeline and return its id."""
    name = name or f"pipeline {next(_numbers)}"
    made: str = api.create_pipeline(name=name, uniqueId=uuid.uuid4().hex)["pipelineId"]
    return made


def put(api: Any, pipeline: str, *objects: Object) -> dict[str, Any]:
    """Put a definition that must have no errors; return the answer."""
    found: dict[str, Any] = api.put_pipeline_definition(
        pipelineId=pipeline, pipelineObjects=list(objects)
    )
    assert not found["errored"], found["validationErrors"]
    return found


def start(api: Any, *objects: Object) -> str:
    """Create a pipeline with this definition and activate it; return its id."""
    pipeline = create(api)
    put(api, pipeline, *objects)
    api.activate_pipeline(pipelineId=pipeline)
    return pipeline


def poll(api: Any, group: str, hostname: str = "tester") -> dict[str, Any]:
    """Take a task; one that is due by and by may need more polls than one."""
    task: dict[str, Any] = wait_until(
        lambda: api.poll_for_task(workerGroup=group, hostname=hostname).get("taskObject")
    )
    return task


def finish(api: Any, task: Mapping[str, Any], status: str = "FINISHED", **errors: str) -> None:
    """Report a task's result."""
    api.set_task_status(taskId=task["taskId"], taskStatus=status, **errors)


def values(described: Mapping[str, Any]) -> dict[str, str]:
    """Return an object's fields by key; a key that comes repeatedly has its last value."""
    return {f["key"]: f.get("stringValue", f.get("refValue")) for f in described["fields"]}


def task_fields(task: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a task's own object."""
    return values(task["objects"][task["attemptId"]])


def all_values(task: Mapping[str, Any], key: str) -> list[str]:
    """Return every value that a task's own object has of a repeated key, in order."""
    described = task["objects"][task["attemptId"]]
    return [f["stringValue"] for f in described["fields"] if f["key"] == key]


def ids(api: Any, pipeline: str, sphere: str = "INSTANCE", *selectors: Object, **more: Any) -> Any:
    """Return one page of QueryObjects: its ids."""
    query = {"selectors": list(selectors)}
    return api.query_objects(pipelineId=pipeline, sphere=sphere, query=query, **more)["ids"]


def selector(field: str, operator: str, *wanted: str) -> Object:
    """Make a selector of QueryObjects."""
    return {"fieldName": field, "operator": {"type": operator, "values": list(wanted)}}


def describe(api: Any, pipeline: str, *object_ids: str) -> list[dict[str, str]]:
    """Describe objects: the fields of each."""
    found = api.describe_objects(pipelineId=pipeline, objectIds=list(object_ids))
    return [values(described) for described in found["pipelineObjects"]]


def pipeline_fields(api: Any, pipeline: str) -> dict[str, str]:
    """Return the fields of a pipeline's description."""
    (found,) = api.describe_pipelines(pipelineIds=[pipeline])["pipelineDescriptionList"]
    return values(found)


def statuses(api: Any, pipeline: str) -> dict[str, str]:
    """Return the status of every instance by its component."""
    found = api.get_paginator("query_objects").paginate(pipelineId=pipeline, sphere="INSTANCE")
    names = [name for page in found for name in page["ids"]]
    rows = describe(api, pipeline, *names) if names else []
    return {row["@componentParent"]: row["@status"] for row in rows}


def instances(api: Any, pipeline: str) -> dict[str, dict[str, str]]:
    """Return the fields of all instances by id, in the order of their making."""
    pages = api.get_paginator("query_objects").paginate(pipelineId=pipeline, sphere="INSTANCE")
    names = [name for page in pages for name in page["ids"]]
    chunks = [names[first : first + 100] for first in range(0, len(names), 100)]
    rows = [row for chunk in chunks for row in describe(api, pipeline, *chunk)]
    return dict(zip(names, rows, strict=True))


def names(component: str, begin: str, *numbers: int, hours: int = 1) -> list[str]:
    """Return the ids of a component's instances of these intervals."""
    return [f"@{component}_{later(begin, hours=hours * k)}" for k in numbers]


def every_call(pipeline: str, task: str) -> dict[str, Object]:
    """Return the members of a valid call of each operation, for this pipeline and task."""
    own = {"pipelineId": pipeline}
    definition = own | {"pipelineObjects": [activity("A", "g")]}
    instances = own | {"objectIds": ["@A_2012-12-12T00:00:00"]}
    made: dict[str, Object] = {
        "ActivatePipeline": own,
        "AddTags": own | {"tags": [{"key": "k", "value": "v"}]},
        "CreatePipeline": {"name": "n", "uniqueId": "u"},
        "DeactivatePipeline": own,
        "DeletePipeline": own,
        "DescribeObjects": own | {"objectIds": ["A"]},
        "DescribePipelines": {"pipelineIds": [pipeline]},
        "EvaluateExpression": own | {"objectId": "A", "expression": "#{1}"},
        "GetPipelineDefinition": own,
        "ListPipelines": {},
        "PollForTask": {"workerGroup": "nobody's"},
        "PutPipelineDefinition": definition,
        "QueryObjects": own | {"sphere": "INSTANCE"},
        "RemoveTags": own | {"tagKeys": ["k"]},
        "ReportTaskProgress": {"taskId": task},
        "ReportTaskRunnerHeartbeat": {"taskrunnerId": "r"},
        "SetStatus": instances | {"status": "RERUN"},
        "SetTaskStatus": {"taskId": task, "taskStatus": "FINISHED"},
        "ValidatePipelineDefinition": definition,
    }
    assert set(made) == set(OPERATIONS)
    return made


def seconds(text: str) -> float:
    """Return a time of the wire in seconds since the epoch."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
