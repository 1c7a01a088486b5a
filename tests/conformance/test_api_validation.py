"""ValidatePipelineDefinition: the answers of a put, and nothing stored."""

from __future__ import annotations

import pytest
from pipelines import Ref, activity, create, item, new_group, put, start


def validate(api, pipeline, *objects, **more):
    """Validate a definition: what the three members say."""
    found = api.validate_pipeline_definition(
        pipelineId=pipeline, pipelineObjects=list(objects), **more
    )
    return found["errored"], found["validationErrors"], found["validationWarnings"]


def stored(api, pipeline):
    """The objects of the latest definition."""
    return api.get_pipeline_definition(pipelineId=pipeline)["pipelineObjects"]


def test_a_clean_definition_is_not_stored(api, replica):
    """All three members are there, and the pipeline has no definition afterwards."""
    pipeline = create(api)
    body = {"pipelineId": pipeline, "pipelineObjects": [activity("A", "g")]}
    answer = replica.post("ValidatePipelineDefinition", body)
    assert answer.body == b'{"errored":false,"validationErrors":[],"validationWarnings":[]}'
    assert stored(api, pipeline) == []
    with pytest.raises(api.exceptions.InvalidRequestException, match="no definition"):
        api.activate_pipeline(pipelineId=pipeline)


@pytest.mark.parametrize(
    ("objects", "more"),
    [
        ([activity("A")], {}),
        ([activity("A", "g", dependsOn=Ref("B")), activity("C", "g", retryDelay="soon")], {}),
        ([activity("A", "g", onFail=Ref("T")), item("T", type="Terminate")], {}),
        ([activity("A", "g", command="#{myX}")], {}),
        ([activity("A", "g", command="#{")], {}),
        (
            [activity("A", "g", command="#{myX}")],
            {"parameterObjects": [{"id": "myX", "attributes": []}]},
        ),
        (
            [activity("A", "g")],
            {
                "parameterObjects": [{"id": "x", "attributes": []}],
                "parameterValues": [{"id": "myY", "stringValue": "1"}],
            },
        ),
    ],
)
def test_validation_says_what_a_put_says(api, objects, more):
    """Errors and warnings alike; the definition of before stays."""
    pipeline, kept = create(api), activity("Kept", "g")
    put(api, pipeline, kept)
    said = validate(api, pipeline, *objects, **more)
    assert stored(api, pipeline) == [kept]
    found = api.put_pipeline_definition(pipelineId=pipeline, pipelineObjects=list(objects), **more)
    assert said == (found["errored"], found["validationErrors"], found["validationWarnings"])
    assert said[1] or said[2]


def test_a_fatal_error_is_refused(api):
    """As a put refuses it."""
    with pytest.raises(api.exceptions.InvalidRequestException, match="more than one object 'A'"):
        validate(api, create(api), item("A"), item("A"))


def test_edits_of_what_was_activated_are_validated(api):
    """What an activated object may not become is an error beforehand."""
    one = activity("A", new_group())
    pipeline = start(api, one)
    errored, errors, _ = validate(api, pipeline, activity("B", "g"))
    assert errored
    assert [error["id"] for error in errors] == ["A"]
    assert validate(api, pipeline, one, activity("B", "g")) == (False, [], [])
    errored, errors, _ = validate(
        api,
        pipeline,
        one | {"fields": [*one["fields"], {"key": "dependsOn", "refValue": "B"}]},
        activity("B", "g"),
    )
    assert errored
    assert "'dependsOn'" in errors[0]["errors"][0]
