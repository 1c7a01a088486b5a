"""The aws CLI with definitions, parameters and expressions."""

from __future__ import annotations

import json

import pytest
from installed_clients import AwsCli, AwsError
from pipelines import activity, all_values, create, item, new_group, poll, start, task_fields

BROKEN = [item("A", type="ShellCommandActivity")]


def definition(group):
    """A definition as the CLI's file has it: repeated keys, references, parameters and values."""
    return {
        "objects": [
            {"id": "Default", "name": "Default", "workerGroup": group, "scheduleType": "ondemand"},
            {
                "id": "Copy",
                "name": "Copies a day",
                "type": "ShellCommandActivity",
                "command": "copy #{myFrom} #{@scheduledStartTime}",
                "scriptArgument": ["b", "#{myFiles}", "b"],
                "dependsOn": [{"ref": "Check"}, {"ref": "Clean"}],
            },
            {"id": "Check", "name": "Check", "type": "ShellCommandActivity", "command": "true"},
            {"id": "Clean", "name": "Clean", "type": "ShellCommandActivity", "command": "true"},
        ],
        "parameters": [
            {"id": "myFrom", "type": "String", "default": "here", "allowedValues": ["here", "b"]},
            {"id": "myFiles", "type": "String", "isArray": "true"},
        ],
        "values": {"myFrom": "b", "myFiles": ["y", "x"]},
    }


@pytest.fixture
def aws(replica, tmp_path):
    """The aws CLI in a directory of its own."""
    return AwsCli(replica, tmp_path)


@pytest.fixture
def put(aws, api, tmp_path):
    """A pipeline with a definition that the CLI has put, and what it answered."""
    group, pipeline = new_group(), create(api)
    content = definition(group)
    (tmp_path / "p.json").write_text(json.dumps(content))
    file = ["--pipeline-id", pipeline, "--pipeline-definition", "file://p.json"]
    return pipeline, group, content, aws("put-pipeline-definition", *file), file


def test_a_definition_comes_back_as_the_file_had_it(aws, put):
    """Put, get and the active version: keys, lists, references, parameters and values."""
    pipeline, _, content, answer, _ = put
    assert answer == {"validationErrors": [], "validationWarnings": [], "errored": False}
    assert aws("get-pipeline-definition", "--pipeline-id", pipeline) == content
    which = ["--pipeline-id", pipeline, "--pipeline-version", "active"]
    assert aws("get-pipeline-definition", *which) == {"objects": [], "parameters": [], "values": {}}
    aws("activate-pipeline", "--pipeline-id", pipeline)
    assert aws("get-pipeline-definition", *which) == content


def test_validation_tells_and_stores_nothing(aws, api, tmp_path):
    """Errors are in the output, whose exit code is 0; the pipeline is as empty as before."""
    pipeline = create(api)
    (tmp_path / "objects.json").write_text(json.dumps(BROKEN))
    of = ["--pipeline-id", pipeline, "--pipeline-objects", "file://objects.json"]
    found = aws("validate-pipeline-definition", *of)
    assert found["errored"]
    assert [error["id"] for error in found["validationErrors"]] == ["A"]
    assert api.get_pipeline_definition(pipelineId=pipeline)["pipelineObjects"] == []


def test_parameter_values_come_from_the_command_line(aws, api, put):
    """Those of the put are stored, and those of the activation go before them."""
    pipeline, group, content, _, file = put
    values = ["--parameter-values", "myFrom=here", "myFiles=one", "myFiles=two"]
    assert not aws("put-pipeline-definition", *file, *values)["errored"]
    stored = aws("get-pipeline-definition", "--pipeline-id", pipeline)
    assert stored["values"] == {"myFrom": "here", "myFiles": ["one", "two"]}
    assert stored["objects"] == content["objects"]
    aws("activate-pipeline", "--pipeline-id", pipeline, "--parameter-values", "myFrom=b")
    for _ in range(2):
        api.set_task_status(taskId=poll(api, group)["taskId"], taskStatus="FINISHED")
    task = poll(api, group)
    fields = task_fields(task)
    assert fields["command"] == f"copy b {fields['@scheduledStartTime']}"
    assert all_values(task, "scriptArgument") == ["b", "one", "two", "b"]


def test_an_expression_is_evaluated(aws, api):
    """The answer's one member, and the sentence where there is no value."""
    pipeline = start(api, activity("Copy", new_group(), myFrom="b"))
    of = ["--pipeline-id", pipeline, "--object-id", "Copy", "--expression"]
    found = aws("evaluate-expression", *of, "from #{myFrom} to #{name}")
    assert found == {"evaluatedExpression": "from b to Copy"}
    with pytest.raises(AwsError, match=r"InvalidRequestException.*nothing"):
        aws("evaluate-expression", *of, "#{nothing}")
