"""Secret fields and parameters: clear for runners, masked for everybody else."""

from __future__ import annotations

import pytest
from pipelines import (
    activity,
    create,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    task_fields,
)

MASK = "*****"
DECLARED = [
    {
        "id": "*myKey",
        "attributes": [
            {"key": "type", "stringValue": "String"},
            {"key": "default", "stringValue": "default-key"},
        ],
    }
]
STORED = [{"id": "*myKey", "stringValue": "stored-key"}]
CLEAR = {"*myPassword": "hunter2", "myLogin": "login #{*myKey}", "myUse": "use #{*myPassword}"}


def put(api, pipeline, objects, values=STORED, declared=DECLARED):
    """Put a definition with secrets; return the answer."""
    return api.put_pipeline_definition(
        pipelineId=pipeline,
        pipelineObjects=objects,
        parameterObjects=declared,
        parameterValues=values,
    )


def definition(api, pipeline):
    """The latest definition."""
    return api.get_pipeline_definition(pipelineId=pipeline)


@pytest.fixture
def running(api):
    """An activated pipeline with secrets, its group and its one task."""
    group, pipeline = new_group(), create(api)
    assert not put(api, pipeline, [activity("A", group, **CLEAR)])["errored"]
    api.activate_pipeline(pipelineId=pipeline)
    return pipeline, group, poll(api, group)


def test_a_runner_gets_secrets_in_the_clear(running):
    """Fields, and expressions that use fields or parameters."""
    fields = task_fields(running[2])
    assert fields["*myPassword"] == "hunter2"
    assert fields["myLogin"] == "login stored-key"
    assert fields["myUse"] == "use hunter2"


def test_every_other_read_is_masked(api, replica, running):
    """The definition, each sphere's description, evaluated or not, and EvaluateExpression."""
    pipeline, _, task = running
    (instance,) = ids(api, pipeline)
    names = ["A", instance, task["attemptId"]]
    for evaluate in (False, True):
        described = api.describe_objects(
            pipelineId=pipeline, objectIds=names, evaluateExpressions=evaluate
        )
        for found in described["pipelineObjects"]:
            fields = {f["key"]: f.get("stringValue") for f in found["fields"]}
            assert fields["*myPassword"] == MASK
            assert fields["myLogin"] == (MASK if evaluate else CLEAR["myLogin"])
            assert fields["myUse"] == (MASK if evaluate else CLEAR["myUse"])
    for name in names:
        for text in ("#{*myPassword}", "x #{*myKey}", "#{myLogin}", "#{myUse + 'x'}"):
            found = api.evaluate_expression(pipelineId=pipeline, objectId=name, expression=text)
            assert found["evaluatedExpression"] == MASK
    for operation, more in (
        ("GetPipelineDefinition", {}),
        ("GetPipelineDefinition", {"version": "active"}),
        ("DescribeObjects", {"objectIds": names, "evaluateExpressions": True}),
    ):
        body = replica.post(operation, {"pipelineId": pipeline, **more}).body
        for secret in (b"hunter2", b"stored-key", b"default-key"):
            assert secret not in body


def test_a_definition_shows_masks_for_values_only(api, running):
    """Names, types and what is no secret stay readable."""
    found = definition(api, running[0])
    assert found["parameterValues"] == [{"id": "*myKey", "stringValue": MASK}]
    attributes = found["parameterObjects"][0]["attributes"]
    assert [each["stringValue"] for each in attributes] == ["String", MASK]
    fields = {f["key"]: f["stringValue"] for f in found["pipelineObjects"][0]["fields"]}
    assert fields["*myPassword"] == MASK
    assert fields["myLogin"] == CLEAR["myLogin"]


def test_putting_the_mask_back_keeps_the_value(api, running):
    """Who reads, edits and puts does not lose what was masked."""
    pipeline, group, task = running
    finish(api, task)
    found = definition(api, pipeline)
    for field in found["pipelineObjects"][0]["fields"]:
        if field["key"] == "command":
            field["stringValue"] = "edited"
    answer = put(
        api,
        pipeline,
        found["pipelineObjects"],
        found["parameterValues"],
        found["parameterObjects"],
    )
    assert not answer["errored"]
    api.activate_pipeline(pipelineId=pipeline)
    fields = task_fields(poll(api, group))
    assert fields["command"] == "edited"
    assert fields["*myPassword"] == "hunter2"
    assert fields["myLogin"] == "login stored-key"


def test_a_default_that_was_masked_is_kept_too(api):
    """It counts where no value is stored or given."""
    group, pipeline = new_group(), create(api)
    put(api, pipeline, [activity("A", group, **CLEAR)], [])
    found = definition(api, pipeline)
    put(api, pipeline, found["pipelineObjects"], [], found["parameterObjects"])
    api.activate_pipeline(pipelineId=pipeline)
    assert task_fields(poll(api, group))["myLogin"] == "login default-key"


@pytest.mark.parametrize("operation", ["put_pipeline_definition", "validate_pipeline_definition"])
@pytest.mark.parametrize(
    "given",
    [
        {"pipelineObjects": [item("A", **{"*mySecret": MASK})]},
        {"pipelineObjects": [], "parameterValues": [{"id": "*myX", "stringValue": MASK}]},
        {
            "pipelineObjects": [],
            "parameterObjects": [
                {"id": "*myX", "attributes": [{"key": "default", "stringValue": MASK}]}
            ],
        },
    ],
)
def test_a_mask_that_stands_for_nothing_is_refused(api, operation, given):
    """It would be handed to runners as the secret."""
    pipeline = create(api)
    with pytest.raises(api.exceptions.InvalidRequestException, match="is the mask"):
        getattr(api, operation)(pipelineId=pipeline, **given)
    assert definition(api, pipeline)["pipelineObjects"] == []


def test_a_mask_at_the_activation_is_refused(api, running):
    """Leaving the value out is how the stored one is used."""
    pipeline, _, task = running
    finish(api, task)
    with pytest.raises(api.exceptions.InvalidRequestException, match="is the mask"):
        api.activate_pipeline(
            pipelineId=pipeline, parameterValues=[{"id": "*myKey", "stringValue": MASK}]
        )


def test_the_values_that_a_secret_may_have_are_not_told(api):
    """Neither among the errors of a put nor when an activation is refused."""
    allowed = {"id": "*myKey", "attributes": [{"key": "allowedValues", "stringValue": "hidden"}]}
    pipeline, objects = create(api), [activity("A", new_group())]
    wrong = [{"id": "*myKey", "stringValue": "wrong"}]
    found = put(api, pipeline, objects, wrong, [allowed])
    told = "The value must be one of its allowedValues."
    assert found["validationErrors"] == [{"id": "*myKey", "errors": [told]}]
    assert not put(api, pipeline, objects, [], [allowed])["errored"]
    with pytest.raises(api.exceptions.InvalidRequestException, match="of its allowedValues") as no:
        api.activate_pipeline(pipelineId=pipeline, parameterValues=wrong)
    assert "hidden" not in str(no.value)


def test_a_secret_of_the_activation_is_used_and_masked(api):
    """It is the active version's value."""
    group, pipeline = new_group(), create(api)
    put(api, pipeline, [activity("A", group, **CLEAR)])
    api.activate_pipeline(
        pipelineId=pipeline, parameterValues=[{"id": "*myKey", "stringValue": "now-key"}]
    )
    task = poll(api, group)
    assert task_fields(task)["myLogin"] == "login now-key"
    active = api.get_pipeline_definition(pipelineId=pipeline, version="active")
    assert active["parameterValues"] == [{"id": "*myKey", "stringValue": MASK}]


def test_what_a_runner_reports_under_a_secret_name_is_masked(api, running):
    """A reported `*token` is kept for the next attempt, and not shown."""
    pipeline, group, task = running
    fields = [{"key": "*token", "stringValue": "checkpoint"}]
    api.report_task_progress(taskId=task["taskId"], fields=fields)
    (attempt,) = describe(api, pipeline, task["attemptId"])
    assert attempt["*token"] == MASK
    finish(api, task, "FAILED")
    assert task_fields(poll(api, group))["@previous.*token"] == "checkpoint"


def test_a_secret_cannot_be_searched_for(api, running):
    """A selector compares what a description shows."""
    pipeline, _, _ = running
    for sphere in ("COMPONENT", "INSTANCE", "ATTEMPT"):
        query = {
            "selectors": [
                {"fieldName": "*myPassword", "operator": {"type": "EQ", "values": ["hunter2"]}}
            ]
        }
        found = api.query_objects(pipelineId=pipeline, sphere=sphere, query=query)
        assert found["ids"] == []


def test_whether_an_expression_of_a_secret_has_a_value_is_told_at_the_hand_out(api):
    """Put, activation and evaluation say nothing of it; the hand-out fails the task for good."""
    group, pipeline = new_group(), create(api)
    guess = {"*pin": "7000", "myGuess": "#{1/(*pin/7001)}"}
    assert not put(api, pipeline, [activity("A", group, **guess)])["errored"]
    api.activate_pipeline(pipelineId=pipeline)
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
    (name,) = ids(api, pipeline)
    (fields,) = describe(api, pipeline, name)
    assert (fields["@status"], fields["errorId"]) == ("FAILED", "ExpressionError")
    assert "7000" not in fields["errorMessage"]
