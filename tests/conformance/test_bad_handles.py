"""Handles and ids that name nothing here."""

from __future__ import annotations

from itertools import chain

import pytest
from pipelines import activity, new_group, poll, start


def altered(handle):
    """Handles that differ from this one in one place, or in their length."""
    flipped = (
        handle[:n] + ("B" if handle[n] == "A" else "A") + handle[n + 1 :]
        for n in range(len(handle))
    )
    last = (
        handle[:-1] + letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )
    cut = (handle[:n] for n in range(1, len(handle)))
    longer = [handle + more for more in ("A", "=", "==", "!!!!", " ", "\n", handle)]
    inside = [handle[:5] + more + handle[5:] for more in ("!!!!", " ", "\x00", "é")]
    moved = [f" {handle}", handle.lower(), handle.upper(), handle[::-1]]
    return [other for other in chain(flipped, last, cut, longer, inside, moved) if other != handle]


@pytest.mark.parametrize("operation", ["ReportTaskProgress", "SetTaskStatus"])
def test_truncated_and_altered_handles(place, operation):
    """None of them is taken for the handle that it was."""
    before = place.state()
    for other in altered(place.handle):
        body = {"taskId": other, "taskStatus": "FINISHED"}
        answer = place.replica.post(operation, body)
        assert answer.status == 400, other
        assert answer.headers["x-amzn-errortype"] == "TaskNotFoundException", other
        assert answer.headers["x-coordinator-verdict"] == "unknown"
    assert place.state() == before


@pytest.mark.parametrize("operation", ["ReportTaskProgress", "SetTaskStatus"])
def test_a_handle_of_another_server(place, api, operation):
    """Well formed, and its pipeline is not there at all."""
    group = new_group()
    pipeline = start(api, activity("A", group))
    body = {"taskId": poll(api, group)["taskId"], "taskStatus": "FINISHED"}
    sentence = place.refuses_body(operation, body, name="PipelineNotFoundException")
    assert pipeline in sentence


@pytest.mark.parametrize(
    "unknown", ["df-AAAA7777777777777777", "df-ZZZZ7777777777777777", "x", "df-é", "a" * 1024]
)
def test_an_unknown_pipeline(place, unknown):
    """Every operation that names one says that it does not exist."""
    calls = {
        "ActivatePipeline": {},
        "DeletePipeline": {},
        "DescribeObjects": {"objectIds": ["A"]},
        "GetPipelineDefinition": {},
        "PutPipelineDefinition": {"pipelineObjects": []},
        "QueryObjects": {"sphere": "INSTANCE"},
        "SetStatus": {"objectIds": ["A"], "status": "RERUN"},
    }
    for operation, members in calls.items():
        body = {"pipelineId": unknown, **members}
        place.refuses_body(operation, body, name="PipelineNotFoundException")
