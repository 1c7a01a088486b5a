"""PutPipelineDefinition and GetPipelineDefinition."""

from __future__ import annotations

import pytest
from pipelines import Ref, activity, create, item, new_group, put

PARAMETERS = [
    {
        "id": "myInput",
        "attributes": [
            {"key": "type", "stringValue": "String"},
            {"key": "allowedValues", "stringValue": "b"},
            {"key": "allowedValues", "stringValue": "a"},
            {"key": "description", "stringValue": ""},
            {"key": "isArray", "stringValue": "true"},
        ],
    },
    {"id": "*mySecret", "attributes": []},
]
PARAMETER_VALUES = [
    {"id": "myInput", "stringValue": "b"},
    {"id": "myInput", "stringValue": "a"},
    {"id": "undeclared", "stringValue": ""},
]


def definition(api, pipeline, **more):
    """The definition's three members."""
    found = api.get_pipeline_definition(pipelineId=pipeline, **more)
    return {key: found[key] for key in found if key != "ResponseMetadata"}


def test_a_definition_comes_back_exactly(api):
    """Objects, fields, repeated keys, references, order, unicode and parameters are untouched."""
    pipeline, longest = create(api), "v" * 10240
    objects = [
        item("Zuletzt", type="ShellCommandActivity", workerGroup="g", command="a\r\n\tb"),
        item("Default", z="1", a="2", scheduleType="ONDEMAND"),
        item("Ä \U0001f600", type="Property", key="k", value=longest, tags=["b", "a", "b"]),
        item("Data", type="Terminate", refs=[Ref("Zuletzt"), Ref("Default")], mixed=[Ref("Data")]),
    ]
    objects[0]["name"] = "another name"
    answer = api.put_pipeline_definition(
        pipelineId=pipeline,
        pipelineObjects=objects,
        parameterObjects=PARAMETERS,
        parameterValues=PARAMETER_VALUES,
    )
    assert not answer["errored"]
    assert definition(api, pipeline) == {
        "pipelineObjects": objects,
        "parameterObjects": PARAMETERS,
        "parameterValues": PARAMETER_VALUES,
    }


def test_a_pipeline_without_definition_has_an_empty_one(api):
    """All three members are there, empty."""
    empty = {"pipelineObjects": [], "parameterObjects": [], "parameterValues": []}
    pipeline = create(api)
    assert definition(api, pipeline) == empty
    assert definition(api, pipeline, version="active") == empty


def test_the_active_version_is_the_one_activated_last(api):
    """A definition put after activation is the latest, not the active one."""
    pipeline, group = create(api), new_group()
    one, two = activity("One", group), activity("Two", group)
    put(api, pipeline, one)
    assert definition(api, pipeline, version="active")["pipelineObjects"] == []
    api.activate_pipeline(pipelineId=pipeline)
    put(api, pipeline, one, two)
    assert definition(api, pipeline, version="active")["pipelineObjects"] == [one]
    assert definition(api, pipeline, version="latest")["pipelineObjects"] == [one, two]
    assert definition(api, pipeline)["pipelineObjects"] == [one, two]


def test_another_version_is_refused(api):
    """There are two versions to ask for."""
    with pytest.raises(api.exceptions.InvalidRequestException, match="'latest' or 'active'"):
        api.get_pipeline_definition(pipelineId=create(api), version="1")


def test_a_clean_definition_is_answered_with_all_three_members(api, replica):
    """`errored` is false, and both lists are there and empty."""
    body = {"pipelineId": create(api), "pipelineObjects": [activity("A", "g")]}
    answer = replica.post("PutPipelineDefinition", body)
    assert answer.body == b'{"errored":false,"validationErrors":[],"validationWarnings":[]}'


@pytest.mark.parametrize(
    ("objects", "sentence"),
    [
        ([item("A", workerGroup="")], "Field 'workerGroup' of object 'A' is empty"),
        ([item("A"), item("A")], "more than one object 'A'"),
        ([{"id": "A", "name": "A", "fields": [{"key": "k"}]}], "exactly one of"),
        ([item("A", **{"@status": "RUNNING"})], "begins with @"),
    ],
)
def test_a_fatal_error_is_refused_and_the_definition_stays(api, objects, sentence):
    """What cannot be stored is an invalid request that changes nothing."""
    pipeline, kept = create(api), activity("Kept", "g")
    put(api, pipeline, kept)
    with pytest.raises(api.exceptions.InvalidRequestException, match=sentence):
        api.put_pipeline_definition(pipelineId=pipeline, pipelineObjects=objects)
    assert definition(api, pipeline)["pipelineObjects"] == [kept]


@pytest.mark.parametrize(
    ("objects", "guilty", "word"),
    [
        ([activity("A")], "A", "workerGroup"),
        ([activity("A", "g", dependsOn=Ref("B"))], "A", "'B'"),
        ([activity("A", "g", dependsOn="A")], "A", "reference"),
        ([activity("A", "g", dependsOn=Ref("A"))], "A", "circle"),
        ([activity("A", "g", retryDelay="soon")], "A", "retryDelay"),
        ([activity("A", "g", maximumRetries="-1")], "A", "maximumRetries"),
        ([activity("A", "g", attemptTimeout="0 hours")], "A", "attemptTimeout"),
        ([activity("A", "g", workerGroup=["g", "h"])], "A", "2 times"),
        ([item("Default", scheduleType="cron"), activity("A", "g")], "A", "scheduleType"),
        ([item("P", parent=Ref("P")), activity("A", "g")], "P", "circle"),
    ],
)
def test_an_error_is_stored_reported_and_keeps_the_pipeline_from_starting(
    api, objects, guilty, word
):
    """`errored` is true, the object is named, the definition is kept and cannot be activated."""
    pipeline = create(api)
    answer = api.put_pipeline_definition(pipelineId=pipeline, pipelineObjects=objects)
    assert answer["errored"]
    (found,) = answer["validationErrors"]
    assert found["id"] == guilty
    assert any(word in sentence for sentence in found["errors"])
    assert definition(api, pipeline)["pipelineObjects"] == objects
    with pytest.raises(api.exceptions.InvalidRequestException, match="has errors"):
        api.activate_pipeline(pipelineId=pipeline)


def test_a_mended_definition_can_be_activated(api):
    """Errors do not outlive the definition that had them."""
    pipeline, group = create(api), new_group()
    api.put_pipeline_definition(pipelineId=pipeline, pipelineObjects=[activity("A")])
    put(api, pipeline, activity("A", group))
    api.activate_pipeline(pipelineId=pipeline)
    assert "taskObject" in api.poll_for_task(workerGroup=group)


def test_a_warning_does_not_keep_the_pipeline_from_starting(api):
    """`errored` is false, and the warning names the object."""
    pipeline = create(api)
    odd = activity("A", new_group(), type="ShelCommandActivity", onFail=Ref("Alarm"))
    answer = put(api, pipeline, odd, item("Alarm", type="Terminate"))
    (found,) = answer["validationWarnings"]
    assert found["id"] == "A"
    assert [word for word in ("ShelCommandActivity", "onFail") if word in str(found["warnings"])]
    api.activate_pipeline(pipelineId=pipeline)


def test_the_largest_definition_that_fits_is_kept(api):
    """A thousand objects with ten fields each come back as they were."""
    pipeline, group = create(api), new_group()
    objects = [activity(f"A{n}", group, **{f"my_{k}": "x" for k in range(6)}) for n in range(1000)]
    put(api, pipeline, *objects)
    assert definition(api, pipeline)["pipelineObjects"] == objects
