"""Mistakes that a newcomer makes, and the sentences that say what to do instead."""

from __future__ import annotations

import pytest
from pipelines import activity, create, item, new_group, put, start

ALLOWED = item("Default", maxActiveInstances="9")


def invalid(api):
    """The error that says what is wrong with a call."""
    return api.exceptions.InvalidRequestException


def declared(name, **attributes):
    """A parameter object."""
    rows = [{"key": key, "stringValue": value} for key, value in attributes.items()]
    return {"id": name, "attributes": rows}


def put_with(api, parameters, *objects):
    """Create a pipeline with a definition that has parameters."""
    pipeline = create(api)
    found = api.put_pipeline_definition(
        pipelineId=pipeline, pipelineObjects=list(objects), parameterObjects=parameters
    )
    assert not found["errored"], found
    return pipeline


def errors(api, *objects):
    """What a definition's validation says, in one list."""
    found = api.validate_pipeline_definition(pipelineId=create(api), pipelineObjects=list(objects))
    return [text for row in found["validationErrors"] for text in row["errors"]]


def warnings(api, *objects):
    """What it warns of, in one list."""
    found = api.validate_pipeline_definition(pipelineId=create(api), pipelineObjects=list(objects))
    return [text for row in found["validationWarnings"] for text in row["warnings"]]


def test_a_misspelt_parameter_at_activation(api):
    """It is refused with the name that was meant; one that is like none is let pass."""
    parameters = [declared("mySeconds", type="Integer", default="5")]
    job = activity("A", new_group(), command="sleep #{mySeconds}")
    pipeline = put_with(api, parameters, ALLOWED, job)
    values = [{"id": "mySecnds", "stringValue": "1"}]
    with pytest.raises(invalid(api), match=r"'mySecnds' is not a parameter.* 'mySeconds'"):
        api.activate_pipeline(pipelineId=pipeline, parameterValues=values)
    values = [{"id": "myOtherThing", "stringValue": "1"}]
    api.activate_pipeline(pipelineId=pipeline, parameterValues=values)


def test_values_for_tasks_that_have_theirs(api):
    """A pipeline that goes on with kept tasks takes no values; without them it goes on."""
    parameters = [declared("myWord", default="a")]
    job = activity("A", new_group(), command="echo #{myWord}")
    pipeline = put_with(api, parameters, job)
    api.activate_pipeline(pipelineId=pipeline)
    api.deactivate_pipeline(pipelineId=pipeline, cancelActive=False)
    values = [{"id": "myWord", "stringValue": "b"}]
    with pytest.raises(invalid(api), match="goes on with the tasks"):
        api.activate_pipeline(pipelineId=pipeline, parameterValues=values)
    api.activate_pipeline(pipelineId=pipeline)


def test_a_misspelt_type(api):
    """The warning says that the object will not be run, and what was meant."""
    (told,) = warnings(api, activity("A", "g", type="ShellCommandActivty"))
    assert "will not be run: did you mean 'ShellCommandActivity'?" in told


def test_a_parameter_without_a_value_in_an_expression(api):
    """EvaluateExpression on a component says that it has none, and not that there is none."""
    job = activity("A", new_group(), command="echo #{myWord}")
    pipeline = put_with(api, [declared("myWord")], job)
    with pytest.raises(invalid(api), match="parameter 'myWord' has no value here"):
        api.evaluate_expression(pipelineId=pipeline, objectId="A", expression="#{myWord}")


def test_a_run_time_field_of_a_component(api):
    """It says that instances have them."""
    pipeline = create(api)
    put(api, pipeline, activity("A", "g"))
    with pytest.raises(invalid(api), match="run-time fields are those of instances"):
        api.evaluate_expression(
            pipelineId=pipeline, objectId="A", expression="#{@scheduledStartTime}"
        )


@pytest.mark.parametrize("name", ["@id", "@scheduledStartTime"])
def test_a_worker_group_that_would_differ_by_instance(api, name):
    """What the coordinator goes by is known before there is an instance."""
    (told,) = errors(api, activity("A", f"#{{{name}}}"))
    assert f"'{name}' is not known before there is an instance" in told


def test_an_id_like_that_of_an_instance(api):
    """It would be taken for one."""
    assert errors(api, activity("@A", "g")) == [
        "The id begins with @, as only those of instances do."
    ]


@pytest.mark.parametrize("name", ["Default", "In"])
def test_a_pause_of_what_is_never_run(api, name):
    """Only activities can be paused."""
    node = item("In", type="S3DataNode", filePath="s3://bucket/key")
    pipeline = start(api, ALLOWED, activity("A", new_group()), node)
    with pytest.raises(invalid(api), match=f"'{name}' is neither: it is never run"):
        api.set_status(pipelineId=pipeline, objectIds=[name], status="PAUSE")


def test_an_unknown_function(api):
    """The question what was meant ends the sentence."""
    (told,) = errors(api, activity("A", "g", command="#{formt(@scheduledStartTime, 'YYYY')}"))
    assert told.endswith("did you mean 'format'?")
