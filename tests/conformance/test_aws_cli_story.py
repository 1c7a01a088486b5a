"""A pipeline from its file to its end with the aws CLI alone, its work done by our runner."""

from __future__ import annotations

import json
import uuid

import pytest
from installed_clients import AwsCli, AwsError
from pipelines import new_group, statuses
from runner_process import RunnerProcess
from waiting import wait_until

TAGS = [{"key": "team", "value": "data"}, {"key": "stage", "value": "test"}]


@pytest.fixture
def aws(replica, tmp_path):
    """The aws CLI in a directory of its own."""
    return AwsCli(replica, tmp_path)


@pytest.fixture
def group(replica, tmp_path):
    """A worker group with a runner."""
    name = new_group()
    runner = RunnerProcess(replica, tmp_path / "runner.log", {}, {"worker_group": name})
    yield name
    runner.stop()
    assert runner.wait() == 0, runner.log


def definition(group, folder):
    """Three commands that depend on each other, of which the last fails until a file is there."""
    file = f"{folder}/#{{myFile}}"

    def step(name, command, **more):
        kind = {"type": "ShellCommandActivity", "maximumRetries": "0"}
        return {"id": name, "command": command, **kind, **more}

    return {
        "objects": [
            {"id": "Default", "workerGroup": group, "failureAndRerunMode": "cascade"},
            step("Extract", f"echo extracted > {file}"),
            step("Transform", f"echo transformed >> {file}", dependsOn={"ref": "Extract"}),
            step("Load", f"cat {file} && test -e {folder}/go", dependsOn={"ref": "Transform"}),
            step("Tell", f"echo told >> {file}", dependsOn={"ref": "Load"}),
        ],
        "parameters": [{"id": "myFile", "type": "String"}],
    }


@pytest.mark.timeout(300)
def test_a_pipeline_from_its_file_to_its_end(aws, api, group, tmp_path):
    """Created, tagged, run, failed with its dependent, rerun with it, finished, and deleted."""
    (tmp_path / "p.json").write_text(json.dumps(definition(group, tmp_path)))
    made = aws("create-pipeline", "--name", "story", "--unique-id", uuid.uuid4().hex)
    pipeline = made["pipelineId"]
    of = ["--pipeline-id", pipeline]
    tags = [f"key={tag['key']},value={tag['value']}" for tag in TAGS]
    assert aws("add-tags", *of, "--tags", *tags) == {}
    assert aws("remove-tags", *of, "--tag-keys", "stage") == {}
    put = aws("put-pipeline-definition", *of, "--pipeline-definition", "file://p.json")
    assert not put["errored"]
    aws("activate-pipeline", *of, "--parameter-values", "myFile=out")

    cascade = {
        "Extract": "FINISHED",
        "Transform": "FINISHED",
        "Load": "FAILED",
        "Tell": "CASCADE_FAILED",
    }
    wait_until(lambda: statuses(api, pipeline) == cascade, 30)
    (described,) = aws("describe-pipelines", "--pipeline-ids", pipeline)["pipelineDescriptionList"]
    assert described["tags"] == TAGS[:1]
    fields = {field["key"]: field["stringValue"] for field in described["fields"]}
    assert fields["@healthStatus"] == "ERROR"

    (failed,) = aws("list-runs", *of, "--status", "failed", "--output", "json")
    (tmp_path / "go").touch()
    aws("set-status", *of, "--object-ids", failed["@id"], "--status", "rerun")
    wait_until(lambda: set(statuses(api, pipeline).values()) == {"FINISHED"}, 30)
    assert (tmp_path / "out").read_text().split() == ["extracted", "transformed", "told"]
    runs = aws("list-runs", *of, "--output", "json")
    assert [run["@status"] for run in runs] == ["FINISHED"] * 4

    listed = aws("list-pipelines")["pipelineIdList"]
    assert {"id": pipeline, "name": "story"} in listed
    assert aws("delete-pipeline", *of) == {}
    with pytest.raises(AwsError, match=r"\(PipelineDeletedException\)"):
        aws("describe-pipelines", "--pipeline-ids", pipeline)
