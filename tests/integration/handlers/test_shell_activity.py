"""ShellCommandActivity as a whole: scripts, staging, output in S3, logs."""

from __future__ import annotations

import pytest

from coordinator.runner.testing import make_task, run_handler

LOG = "logs/df-TEST/Act/@Act_2026-01-01T00:00:00/@Act_2026-01-01T00:00:00_Attempt=1"


def run(fields, objects=None, **more):
    """Run a task of these fields."""
    return run_handler(None, make_task("ShellCommandActivity", fields, objects), **more)


def node(**fields):
    """A data node."""
    return {"type": "S3DataNode", **fields}


@pytest.mark.parametrize("shebang", ["", "#!/usr/bin/env bash\n"])
@pytest.mark.parametrize("place", ["s3", "local"])
def test_script_uri(bucket, tmp_path, shebang, place):
    """A script from S3 or from a path runs with its arguments, by the program that it names."""
    text = f'{shebang}echo "$1 ${{BASH_VERSION:+bash}}" >{tmp_path}/out; exit "$2"\n'
    if place == "s3":
        uri = bucket.put("scripts/run.sh", text)
    else:
        uri = str(tmp_path / "run.sh")
        (tmp_path / "run.sh").write_text(text)
    result = run({"scriptUri": uri, "scriptArgument": ["a  b", "7"]})
    assert (result.error_id, (tmp_path / "out").read_text().strip()) == (
        "ExitCode7",
        "a  b bash" if shebang else "a  b",
    )


def test_a_script_that_is_not_there(bucket):
    """The task fails before anything is run, and says what is missing."""
    result = run({"scriptUri": f"{bucket.uri}/gone.sh"})
    assert result.error_id == "StagingFailed"
    assert f"{bucket.uri}/gone.sh" in result.message


def test_staging(bucket, tmp_path):
    """Inputs are directories before the command runs, outputs are stored after it has."""
    bucket.put("in/part-0", "1\n")
    bucket.put("in/deep/part-1", "2\n")
    single = bucket.put("one/items", "3\n")
    command = (
        "cat ${INPUT1_STAGING_DIR}/part-0 ${INPUT1_STAGING_DIR}/deep/* ${INPUT2_STAGING_DIR}/items "
        ">${OUTPUT1_STAGING_DIR}/all.csv; mkdir $OUTPUT2_STAGING_DIR/sub; "
        "echo x >$OUTPUT2_STAGING_DIR/sub/x"
    )
    result = run(
        {"command": command, "stage": "true", "input": ["A", "B"], "output": ["C", "D"]},
        {
            "A": node(directoryPath=f"{bucket.uri}/in"),
            "B": node(filePath=single),
            "C": node(directoryPath=f"{bucket.uri}/out/"),
            "D": node(directoryPath=str(tmp_path / "local")),
        },
    )
    assert result.status == "FINISHED", result.message
    assert bucket.get("out/all.csv") == "1\n2\n3\n"
    assert (tmp_path / "local" / "sub" / "x").read_text() == "x\n"


def test_local_inputs(tmp_path):
    """Paths on this machine are staged as copies: the command cannot spoil its input."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("kept")
    result = run(
        {"command": "cat $INPUT1_STAGING_DIR/a; >$INPUT1_STAGING_DIR/a", "stage": "TRUE"}
        | {"input": ["A"]},
        {"A": node(directoryPath=f"file://{tmp_path}/in")},
    )
    assert result.status == "FINISHED"
    assert (tmp_path / "in" / "a").read_text() == "kept"


def test_a_failed_command_stores_no_output(bucket):
    """Outputs appear after success only."""
    result = run(
        {"command": "echo x >$OUTPUT1_STAGING_DIR/x; exit 1", "stage": "true", "output": "C"},
        {"C": node(directoryPath=f"{bucket.uri}/out")},
    )
    assert result.error_id == "ExitCode1"
    assert not bucket.keys()


def test_without_stage(tmp_path):
    """Data nodes alone make no directories."""
    fields = {"command": "env", "input": "A", "stdout": str(tmp_path / "env")}
    assert run(fields, {"A": node(filePath="/nowhere")}).status == "FINISHED"
    assert "STAGING_DIR" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(
    ("key", "fields", "reason"),
    [
        ("input", {"type": "SqlDataNode", "table": "t"}, "only data nodes of type S3DataNode"),
        ("output", {"type": "S3DataNode", "filePath": "/a"}, "needs its directoryPath"),
        ("input", {"type": "S3DataNode", "manifestFilePath": "/a"}, "filePath or directoryPath"),
    ],
)
def test_what_cannot_be_staged(key, fields, reason):
    """A data node that does not fit is named with the reason."""
    result = run({"command": "true", "stage": "true", key: "Node"}, {"Node": fields})
    assert result.error_id == "CannotStart"
    assert "'Node'" in result.message
    assert reason in result.message


@pytest.mark.parametrize("code", [0, 3])
def test_output_to_s3(bucket, code):
    """Both streams are stored, also of a command that failed."""
    out, err = f"{bucket.uri}/a/out", f"{bucket.uri}/a/err"
    result = run({"command": f"echo 1; echo 2 >&2; exit {code}", "stdout": out, "stderr": err})
    assert (bucket.get("a/out"), bucket.get("a/err")) == ("1\n", "2\n")
    assert result.stack_trace == ("2\n" if code else "")


def test_both_streams_in_one_object(bucket):
    """One URI for both keeps the order."""
    uri = f"{bucket.uri}/log"
    run({"command": "echo 1; echo 2 >&2; echo 3", "stdout": uri, "stderr": uri})
    assert bucket.get("log") == "1\n2\n3\n"


def test_output_that_cannot_be_stored(s3):
    """A task whose output is lost has failed; one that failed already keeps its own reason."""
    assert s3
    fields = {"stdout": "s3://no-such-bucket-here/out"}
    assert run({"command": "true", **fields}).error_id == "StagingFailed"
    assert run({"command": "exit 5", **fields}).error_id == "ExitCode5"


def test_output_to_elsewhere():
    """Another scheme is refused before anything runs."""
    result = run({"command": "true", "stdout": "hdfs://host/out"})
    assert result.error_id == "CannotStart"
    assert "stdout must be a local path or in S3" in result.message


@pytest.mark.parametrize("code", [0, 3])
def test_logs(bucket, tmp_path, code):
    """Both streams are stored by pipeline, component, instance and attempt."""
    fields = {"pipelineLogUri": f"{bucket.uri}/logs/", "stdout": str(tmp_path / "out")}
    run({"command": f"echo 1; echo 2 >&2; exit {code}", **fields})
    assert bucket.keys() == [f"{LOG}/StdError", f"{LOG}/StdOutput"]
    assert bucket.get(f"{LOG}/StdOutput") == (tmp_path / "out").read_text() == "1\n"
    assert bucket.get(f"{LOG}/StdError") == "2\n"


def test_logs_of_a_canceled_task(bucket):
    """A canceled attempt has its log too, but stores nothing else."""
    result = run(
        {
            "command": "echo 1; echo x >$OUTPUT1_STAGING_DIR/x; sleep 600",
            "pipelineLogUri": f"{bucket.uri}/logs",
            "stage": "true",
            "output": "C",
            "stderr": f"{bucket.uri}/err",
        },
        {"C": node(directoryPath=f"{bucket.uri}/out")},
        cancel_after=1,
    )
    assert result.error_id == "Canceled"
    assert bucket.keys() == [f"{LOG}/StdError", f"{LOG}/StdOutput"]


def test_logs_that_cannot_be_stored(s3):
    """Lost logs do not fail the task."""
    assert s3
    fields = {"command": "true", "pipelineLogUri": "s3://no-such-bucket-here/logs"}
    assert run(fields).status == "FINISHED"


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    """The directory of a task is removed, whatever the command did in it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    command = "cd $OUTPUT1_STAGING_DIR; mkdir a; touch a/b; chmod 0 a; pwd; exit 1"
    run({"command": command, "stage": "true", "output": "C"}, {"C": node(directoryPath="/x")})
    assert not list(tmp_path.iterdir())
