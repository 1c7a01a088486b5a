"""Every error that the service model gives an operation is reached, or listed with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader
from pipelines import activity, finish, new_group, poll, start

from coordinator.wire.operations import OPERATIONS

MODEL: dict[str, Any] = Loader().load_service_model("datapipeline", "service-2")
UNKNOWN = "df-AAAA7777777777777777"
INVALID, INTERNAL = "InvalidRequestException", "InternalServiceError"
NOT_FOUND, DELETED = "PipelineNotFoundException", "PipelineDeletedException"
TASK = "TaskNotFoundException"

# A valid call of each operation but for its pipeline or task.
MEMBERS = {
    "ActivatePipeline": {},
    "AddTags": {"tags": [{"key": "k", "value": "v"}]},
    "DeactivatePipeline": {},
    "DeletePipeline": {},
    "DescribeObjects": {"objectIds": ["A"]},
    "EvaluateExpression": {"objectId": "A", "expression": "#{command}"},
    "GetPipelineDefinition": {},
    "PutPipelineDefinition": {"pipelineObjects": [activity("A", "g")]},
    "QueryObjects": {"sphere": "INSTANCE"},
    "RemoveTags": {"tagKeys": ["k"]},
    "SetStatus": {"objectIds": ["A"], "status": "PAUSE"},
    "SetTaskStatus": {"taskStatus": "FINISHED"},
    "ValidatePipelineDefinition": {"pipelineObjects": [activity("A", "g")]},
}
# What makes a call of each operation invalid, the pipeline being there.
FAULTS = {
    "ActivatePipeline": {"startTimestamp": -1},
    "AddTags": {"tags": [{"key": f"k{n}", "value": ""} for n in range(11)]},
    "CreatePipeline": {"name": "\x07", "uniqueId": "u"},
    "DeactivatePipeline": {"pipelineId": "\x07"},
    "DeletePipeline": {"pipelineId": "\x07"},
    "DescribeObjects": {"objectIds": ["nobody"]},
    "DescribePipelines": {"pipelineIds": ["\x07"]},
    "EvaluateExpression": {"expression": "#{nothing}"},
    "GetPipelineDefinition": {"version": "1"},
    "ListPipelines": {"marker": "x"},
    "PollForTask": {"workerGroup": "\x07"},
    "PutPipelineDefinition": {"pipelineObjects": [activity("A", "g"), activity("A", "g")]},
    "QueryObjects": {"sphere": "PIPELINE"},
    "RemoveTags": {"pipelineId": "\x07"},
    "ReportTaskProgress": {"fields": [{"key": "k"}]},
    "ReportTaskRunnerHeartbeat": {"taskrunnerId": "\x07"},
    "SetStatus": {"status": "x"},
    "SetTaskStatus": {"taskStatus": "x"},
    "ValidatePipelineDefinition": {"pipelineObjects": [activity("A", "g"), activity("A", "g")]},
}
# (operation, error): why no call can reach it here.
EXCLUDED = {
    ("EvaluateExpression", TASK): "it names an object of a pipeline, and no task",
    ("PollForTask", TASK): "a poll names no task",
}
CASES = [
    (operation, error["shape"])
    for operation in sorted(OPERATIONS)
    for error in MODEL["operations"][operation]["errors"]
]


def members(operation, pipeline, handle):
    """A valid call for this pipeline or task."""
    takes = MODEL["shapes"][MODEL["operations"][operation]["input"]["shape"]]["members"]
    given = {"pipelineId": pipeline, "pipelineIds": [pipeline], "taskId": handle}
    named = {key: value for key, value in given.items() if key in takes}
    return named | MEMBERS.get(operation, {})


def valid(api, operation):
    """A call that names a pipeline, or a task, that is there."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    return members(operation, pipeline, poll(api, group)["taskId"])


def of_deleted(api, operation):
    """A call that names a deleted pipeline, or a task of one that had ended before."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    task = poll(api, group)
    finish(api, task)
    api.delete_pipeline(pipelineId=pipeline)
    return members(operation, pipeline, task["taskId"])


def of_elsewhere(place, operation):
    """A call that names nothing here: a made-up pipeline, or another server's task."""
    return members(operation, UNKNOWN, place.handle)


def request(api, place, operation, error):
    """The call that this error answers."""
    if error == DELETED:
        return of_deleted(api, operation)
    if error == NOT_FOUND:
        return of_elsewhere(place, operation)
    if error == TASK:
        return members(operation, UNKNOWN, "t-1")
    return valid(api, operation) | FAULTS[operation]


def test_the_exclusions_are_errors_of_the_model():
    """None is left over from an operation that has changed."""
    assert EXCLUDED.keys() <= set(CASES)


@pytest.mark.parametrize(
    ("operation", "error"),
    [case for case in CASES if case not in EXCLUDED and case[1] != INTERNAL],
)
def test_a_modelled_error_is_reached(api, replica, place, operation, error):
    """InternalServiceError has tests of its own, of every operation with Redis away."""
    answer = replica.post(operation, request(api, place, operation, error))
    assert answer.status == 400
    assert answer.headers["x-amzn-errortype"] == error


@pytest.mark.parametrize(
    ("operation", "error"),
    [case for case in CASES if case not in EXCLUDED and case[1] in {NOT_FOUND, DELETED, TASK}],
)
def test_boto3_raises_the_errors_own_class(api, place, operation, error):
    """What callers catch by name is what comes."""
    names = {wire: python for python, wire in api.meta.method_to_api_mapping.items()}
    call = getattr(api, names[operation])
    with pytest.raises(getattr(api.exceptions, error)):
        call(**request(api, place, operation, error))
