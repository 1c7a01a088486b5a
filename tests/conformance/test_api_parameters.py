"""Parameters: defaults, stored values, values at activation, and what they must be."""

from __future__ import annotations

import pytest
from pipelines import (
    activity,
    all_values,
    create,
    finish,
    ids,
    item,
    new_group,
    poll,
    task_fields,
)


def parameter(object_id, **attributes):
    """A parameter object; a list makes a repeated attribute."""
    flat = [
        {"key": key, "stringValue": each}
        for key, value in attributes.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return {"id": object_id, "attributes": flat}


def given(**texts):
    """Parameter values; a list makes several of one parameter."""
    return [
        {"id": name, "stringValue": each}
        for name, value in texts.items()
        for each in (value if isinstance(value, list) else [value])
    ]


def put(api, objects, parameters, **stored):
    """A pipeline with these objects, parameters and stored values; return its id."""
    pipeline = create(api)
    found = api.put_pipeline_definition(
        pipelineId=pipeline,
        pipelineObjects=objects,
        parameterObjects=parameters,
        parameterValues=given(**stored),
    )
    assert not found["errored"], found["validationErrors"]
    return pipeline


def run(api, pipeline, group, **texts):
    """Activate with these values; return the fields of the task, and finish it."""
    api.activate_pipeline(pipelineId=pipeline, parameterValues=given(**texts))
    task = poll(api, group)
    finish(api, task)
    return task_fields(task)


def test_a_value_comes_from_the_activation_the_definition_or_the_default(api):
    """In this order; what an activation gives is not stored."""
    group = new_group()
    objects = [activity("A", group, command="say #{myWord}")]
    declared = [parameter("myWord", default="default")]
    pipeline = put(api, objects, declared)
    assert run(api, pipeline, group)["command"] == "say default"
    assert run(api, pipeline, group, myWord="now")["command"] == "say now"
    assert run(api, pipeline, group)["command"] == "say default"
    stored = put(api, objects, declared, myWord="stored")
    assert run(api, stored, group)["command"] == "say stored"
    assert run(api, stored, group, myWord="now")["command"] == "say now"
    assert run(api, stored, group)["command"] == "say stored"


def test_the_active_version_has_the_values_of_its_activation(api):
    """The latest keeps those that were put."""
    group = new_group()
    objects = [activity("A", group, command="say #{myWord}")]
    pipeline = put(api, objects, [parameter("myWord")], myWord="stored")
    run(api, pipeline, group, myWord="now")
    active = api.get_pipeline_definition(pipelineId=pipeline, version="active")
    latest = api.get_pipeline_definition(pipelineId=pipeline, version="latest")
    assert active["parameterValues"] == given(myWord="now")
    assert latest["parameterValues"] == given(myWord="stored")
    assert active["pipelineObjects"] == latest["pipelineObjects"] == objects


def test_a_parameter_without_a_value_keeps_the_pipeline_from_starting(api):
    """A warning at first, and at the activation a sentence that names all such parameters."""
    group = new_group()
    pipeline = create(api)
    found = api.put_pipeline_definition(
        pipelineId=pipeline,
        pipelineObjects=[activity("A", group, command="#{myOne} #{myTwo}")],
        parameterObjects=[parameter("myOne"), parameter("myTwo")],
    )
    assert not found["errored"]
    assert [each["id"] for each in found["validationWarnings"]] == ["myOne", "myTwo"]
    with pytest.raises(api.exceptions.InvalidRequestException, match="'myOne', 'myTwo' need a"):
        api.activate_pipeline(pipelineId=pipeline)
    with pytest.raises(api.exceptions.InvalidRequestException, match="Parameter 'myTwo' needs"):
        run(api, pipeline, group, myOne="1")
    assert ids(api, pipeline) == []
    assert run(api, pipeline, group, myOne="1", myTwo="2")["command"] == "1 2"


def test_an_optional_parameter_without_a_value_leaves_its_field_out(api):
    """In a text it is empty."""
    group = new_group()
    objects = [activity("A", group, command="say '#{myWord}'", stdout="#{myWord}")]
    pipeline = put(api, objects, [parameter("myWord", optional="true")])
    fields = run(api, pipeline, group)
    assert fields["command"] == "say ''"
    assert "stdout" not in fields


def test_an_array_becomes_a_repeated_field(api):
    """A value each, in order; several for one that is no array are refused."""
    group = new_group()
    objects = [activity("A", group, scriptArgument="-#{myFiles}")]
    pipeline = put(api, objects, [parameter("myFiles", isArray="true")])
    api.activate_pipeline(pipelineId=pipeline, parameterValues=given(myFiles=["b", "a"]))
    assert all_values(poll(api, group), "scriptArgument") == ["-b", "-a"]
    single = put(api, objects, [parameter("myFiles")])
    with pytest.raises(api.exceptions.InvalidRequestException, match=r"2 values.*isArray"):
        run(api, single, group, myFiles=["b", "a"])


@pytest.mark.parametrize(
    ("attributes", "bad", "sentence"),
    [
        ({"type": "Integer"}, "1.5", "whole number"),
        ({"type": "Double"}, "x", "number"),
        ({"allowedValues": ["a", "b"]}, "c", "'a' or 'b'"),
    ],
)
def test_a_value_that_the_parameter_cannot_have_is_refused(api, attributes, bad, sentence):
    """At the activation; among stored values it is an error of the parameter."""
    group = new_group()
    objects = [activity("A", group, command="#{myX}")]
    pipeline = put(api, objects, [parameter("myX", **attributes)])
    with pytest.raises(api.exceptions.InvalidRequestException, match=f"'myX'.*{sentence}"):
        run(api, pipeline, group, myX=bad)
    found = api.put_pipeline_definition(
        pipelineId=pipeline,
        pipelineObjects=objects,
        parameterObjects=[parameter("myX", **attributes)],
        parameterValues=given(myX=bad),
    )
    assert [each["id"] for each in found["validationErrors"]] == ["myX"]


def test_the_coordinators_own_settings_come_from_parameters(api):
    """The worker group, retries and the number of runs are known at the activation."""
    group = new_group()
    objects = [
        item("Default", maxActiveInstances="#{myRuns}", workerGroup="#{myGroup}"),
        activity("A", maximumRetries="#{myRetries}"),
    ]
    declared = [parameter(name) for name in ("myRuns", "myGroup", "myRetries")]
    pipeline = put(api, objects, declared)
    values = given(myRuns="2", myGroup=group, myRetries="0")
    for _ in range(2):
        api.activate_pipeline(pipelineId=pipeline, parameterValues=values)
    with pytest.raises(api.exceptions.InvalidRequestException, match="executions: 2"):
        api.activate_pipeline(pipelineId=pipeline, parameterValues=values)
    assert task_fields(poll(api, group))["workerGroup"] == group
    bad = given(myRuns="2", myGroup=group, myRetries="many")
    with pytest.raises(api.exceptions.InvalidRequestException, match=r"'A'.*maximumRetries"):
        api.activate_pipeline(pipelineId=pipeline, parameterValues=bad)


def test_a_value_for_an_undeclared_parameter_is_used(api):
    """With a warning; public definitions rely on it."""
    group = new_group()
    pipeline = create(api)
    found = api.put_pipeline_definition(
        pipelineId=pipeline,
        pipelineObjects=[activity("A", group, command="say #{myWord}")],
        parameterValues=given(myWord="hello"),
    )
    assert not found["errored"]
    assert [each["id"] for each in found["validationWarnings"]] == ["myWord"]
    assert run(api, pipeline, group)["command"] == "say hello"
