"""Expressions: in tasks, in descriptions, and in EvaluateExpression."""

from __future__ import annotations

import json

import pytest
from pipelines import (
    Ref,
    activity,
    all_values,
    create,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    put,
    start,
    task_fields,
    values,
)

MOST = 20 << 20  # characters of an expression
FIELDS = {
    "myDay": "#{format(@scheduledStartTime, 'YYYY-MM-dd')}",
    "myPath": "s3://#{myFolder.myBucket}/#{myDay}/#{name}",
    "myRun": "#{@scheduledStartTime}",
    "mySum": "#{1 + 2 * 3}",
    "myVerbatim": "# {x} \\# #",
    "myList": ["a", "#{myDay}"],
}


def objects(group):
    """An activity with expressions, and a folder that it refers to."""
    return (
        item("Folder", type="Property", key="k", value="v", myBucket="bucket"),
        activity("A", group, myFolder=Ref("Folder"), **FIELDS),
    )


@pytest.fixture(scope="module")
def running(api):
    """A pipeline with expressions whose one task is running."""
    group = new_group()
    pipeline = start(api, *objects(group))
    return pipeline, poll(api, group)


def described(api, pipeline, name, *, evaluate):
    """The fields of one object."""
    found = api.describe_objects(
        pipelineId=pipeline, objectIds=[name], evaluateExpressions=evaluate
    )
    return values(found["pipelineObjects"][0])


def evaluated(api, pipeline, name, text):
    """The value of a text in an object's context."""
    found = api.evaluate_expression(pipelineId=pipeline, objectId=name, expression=text)
    return found["evaluatedExpression"]


def test_a_task_has_values_for_its_expressions(running):
    """Of its own fields, of what it refers to, of the time of its run; other text as it is."""
    fields = task_fields(running[1])
    day = fields["@scheduledStartTime"][:10]
    assert fields["myDay"] == day
    assert fields["myPath"] == f"s3://bucket/{day}/A"
    assert fields["myRun"] == fields["@scheduledStartTime"]
    assert fields["mySum"] == "7"
    assert fields["myVerbatim"] == FIELDS["myVerbatim"]
    assert all_values(running[1], "myList") == ["a", day]


def test_instances_and_attempts_are_described_with_and_without_values(api, running):
    """Evaluated only where that was asked for."""
    pipeline, task = running
    (instance,) = ids(api, pipeline)
    for name in (instance, task["attemptId"]):
        fields = described(api, pipeline, name, evaluate=True)
        assert fields["myPath"] == task_fields(task)["myPath"]
        assert fields["mySum"] == "7"
        fields = described(api, pipeline, name, evaluate=False)
        assert fields["myPath"] == FIELDS["myPath"]
        assert fields["mySum"] == FIELDS["mySum"]


def test_a_component_is_described_with_what_has_a_value(api, running):
    """What names a run's own fields stays as it is written."""
    fields = described(api, running[0], "A", evaluate=True)
    assert fields["mySum"] == "7"
    assert fields["myDay"] == FIELDS["myDay"]
    assert fields["myPath"] == FIELDS["myPath"]
    assert described(api, running[0], "A", evaluate=False)["mySum"] == FIELDS["mySum"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("no expression", "no expression"),
        ("#{1 + 1} and #{'x' + 'y'}", "2 and xy"),
        ("#{myFolder.myBucket}", "bucket"),
        ("#{type}", "ShellCommandActivity"),
        ("#{format(makeDate(2012, 12, 12), 'dd.MM.YYYY')}", "12.12.2012"),
        ("#{2 ^ 2}", "4.0"),
        ("#{7 / 2}", "3"),
    ],
)
def test_any_object_is_a_context(api, running, text, value):
    """A component, an instance, an attempt; the text may hold several expressions or none."""
    pipeline, task = running
    for name in ("A", *ids(api, pipeline), task["attemptId"]):
        assert evaluated(api, pipeline, name, text) == value


def test_an_instance_has_its_own_times(api, running):
    """A component has none of them."""
    pipeline, _ = running
    (instance,) = ids(api, pipeline)
    (fields,) = describe(api, pipeline, instance)
    assert (
        evaluated(api, pipeline, instance, "#{@scheduledStartTime}")
        == (fields["@scheduledStartTime"])
    )
    assert evaluated(api, pipeline, instance, "#{@pipelineId}") == pipeline
    with pytest.raises(api.exceptions.InvalidRequestException, match="@scheduledStartTime"):
        evaluated(api, pipeline, "A", "#{@scheduledStartTime}")


@pytest.mark.parametrize("text", ["#{nothing}", "#{", "#{1 / 0}", "#{format(1)}", "#{a.b.c}"])
def test_a_text_without_a_value_is_refused(api, running, text):
    """The sentence says where and why."""
    with pytest.raises(api.exceptions.InvalidRequestException, match=r"has no value: .+"):
        evaluated(api, running[0], "A", text)


def test_a_long_text_is_taken_whole(running, replica):
    """Its expressions have values; beyond what the model allows it is refused."""
    pipeline, _ = running
    body = {"pipelineId": pipeline, "objectId": "A", "expression": "x" * MOST}
    answer = replica.post("EvaluateExpression", body)
    assert (answer.status, len(json.loads(answer.body).get("evaluatedExpression", ""))) == (
        200,
        MOST,
    )
    longer = replica.post("EvaluateExpression", {**body, "expression": "x" * (MOST + 1)})
    assert longer.status == 400
    assert b"'expression' must be at most 20971520 characters" in longer.body


@pytest.mark.parametrize("name", ["Nobody", "@A_2012-12-12T00:00:00", "é"])
def test_an_unknown_object_is_refused(api, running, name):
    """The sentence names it."""
    with pytest.raises(api.exceptions.InvalidRequestException, match="'objectId' names"):
        evaluated(api, running[0], name, "x")


def test_an_instance_keeps_the_definition_that_it_began_with(api):
    """An edit counts for the next run; the component is the latest."""
    group = new_group()
    pipeline = start(api, activity("A", group, myWord="old", command="say #{myWord}"))
    put(api, pipeline, activity("A", group, myWord="new", command="say #{myWord}"))
    (instance,) = ids(api, pipeline)
    assert evaluated(api, pipeline, instance, "#{myWord}") == "old"
    assert evaluated(api, pipeline, "A", "#{myWord}") == "new"
    task = poll(api, group)
    assert task_fields(task)["command"] == "say old"
    finish(api, task)
    api.activate_pipeline(pipelineId=pipeline)
    assert task_fields(poll(api, group))["command"] == "say new"


def test_an_expression_of_an_activity_without_a_value_is_an_error(api):
    """At the put, with the name that was probably meant."""
    found = api.put_pipeline_definition(
        pipelineId=create(api),
        pipelineObjects=[activity("A", "g", myWord="x", command="#{myWrd}")],
    )
    (error,) = found["validationErrors"]
    assert error["id"] == "A"
    assert "myWrd" in error["errors"][0]
    assert "did you mean 'myWord'" in error["errors"][0]
