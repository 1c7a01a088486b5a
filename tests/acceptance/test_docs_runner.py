"""docs/runner.md tells the truth: every block of it runs, against a coordinator."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import uuid
from importlib import metadata
from pathlib import Path

import boto3
import botocore
import pytest
from botocore.config import Config
from waiting import wait_until

from coordinator.cli import cli
from coordinator.runner import Registry
from coordinator.runner.handlers import BUILT_IN
from coordinator.runner.testing import make_task, run_handler

DOCS = (Path(__file__).parents[2] / "docs/runner.md").read_text()
ENDPOINT = "http://127.0.0.1:8080"
PORT = re.compile(r"on http://127\.0\.0\.1:(\d+)")
COORDINATOR = [sys.executable, "-m", "coordinator.cli"]


def blocks(language):
    """The blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


def programs():
    """The programs, by the file's name that is their first line."""
    named = [(block.splitlines()[0].removeprefix("# "), block) for block in blocks("python")]
    return dict(named)


@pytest.fixture
def processes(tmp_path):
    """Start processes in a directory with every program; they are killed with the test."""
    started = []

    def start(*arguments, log="log"):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COORDINATOR_"))}
        path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        with (tmp_path / log).open("wb") as output:
            process = subprocess.Popen(
                arguments,
                cwd=tmp_path,
                env={**kept, "PYTHONPATH": path},
                stdout=output,
                stderr=output,
            )
        started.append(process)
        return process

    yield start
    for process in reversed(started):
        process.kill()
        process.wait()


@pytest.fixture
def url(processes, tmp_path):
    """A coordinator, and every program in the working directory, which asks for this one."""
    processes(*COORDINATOR, "serve", "--port", "0", log="serve")
    log = tmp_path / "serve"
    found = f"http://127.0.0.1:{wait_until(lambda: PORT.findall(log.read_text()), 30)[0]}"
    for name, text in programs().items():
        (tmp_path / name).write_text(text.replace(ENDPOINT, found))
    return found


@pytest.fixture
def client(url):
    """A stock client of it."""
    config = Config(signature_version=botocore.UNSIGNED)
    client = boto3.client("datapipeline", endpoint_url=url, region_name="us-east-1", config=config)
    yield client
    client.close()


def activate(client, *objects):
    """Run a definition, given as the guide's JSON has it; return the pipeline's id."""
    pipeline = client.create_pipeline(name="p", uniqueId=uuid.uuid4().hex)["pipelineId"]
    put = client.put_pipeline_definition(
        pipelineId=pipeline, pipelineObjects=[in_api_form(**one) for one in objects]
    )
    assert not put["errored"], put["validationErrors"]
    client.activate_pipeline(pipelineId=pipeline)
    return pipeline


def in_api_form(**fields):
    """An object as the API has it."""
    name = fields.pop("id")
    flat = [
        {"key": key, "refValue": each["ref"]}
        if isinstance(each, dict)
        else {"key": key, "stringValue": each}
        for key, value in fields.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return {"id": name, "name": name, "fields": flat}


def ended(client, pipeline):
    """Wait for the end of every instance, and return their fields."""

    def look():
        ids = client.query_objects(pipelineId=pipeline, sphere="INSTANCE")["ids"]
        described = client.describe_objects(pipelineId=pipeline, objectIds=ids)
        found = [
            {field["key"]: field.get("stringValue", field.get("refValue")) for field in o["fields"]}
            for o in described["pipelineObjects"]
        ]
        done = all(one["@status"] in {"FINISHED", "FAILED"} for one in found)
        return {one["@componentParent"]: one for one in found} if done else None

    return wait_until(look, 40)


def test_fan_out_over_files_with_a_handler(url, processes, tmp_path):
    """The command of the docs runs the handler of the docs; the files are counted."""
    (command,) = [line for block in blocks("console") for line in block.splitlines()]
    program, *arguments = command.replace(ENDPOINT, url).split()
    assert program == "coordinator"
    processes(*COORDINATOR, *arguments, log="runner")
    (tmp_path / "files").mkdir()
    for number in range(5):
        (tmp_path / "files" / str(number)).write_text("some words\n" * number)
    fan_out = processes(sys.executable, "fan_out.py", "files", log="fan_out")
    assert fan_out.wait(60) == 0, (tmp_path / "fan_out").read_text()
    assert (tmp_path / "fan_out").read_text() == "20 words\n"


def test_a_script_of_ones_own_runs_the_handlers_that_are_there(client, processes, tmp_path):
    """The script of the docs works on the definition of the docs, and stops by a signal."""
    _, definition = blocks("json")
    runner = processes(sys.executable, "my_runner.py", log="runner")
    (tmp_path / "words.csv").write_text("one,1\ntwo,2\n")
    found = ended(client, activate(client, *json.loads(definition)["objects"]))
    assert {name: one["@status"] for name, one in found.items()} == dict.fromkeys(
        ["Load", "Double", "Show"], "FINISHED"
    ), found
    rows = sqlite3.connect(tmp_path / "words.db")
    assert list(rows.execute("SELECT * FROM words ORDER BY seen")) == [("one", 2), ("two", 4)]
    rows.close()
    assert (tmp_path / "lines.txt").read_text().strip() == "2"
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(15) == 0


def test_a_runner_by_hand(client, processes, tmp_path):
    """It has at most forty lines, finishes and fails tasks, and stops one that is canceled."""
    assert len([line for line in programs()["by_hand.py"].splitlines()[1:] if line]) <= 40
    processes(sys.executable, "by_hand.py", log="by_hand")
    common = {"type": "ShellCommandActivity", "workerGroup": "by-hand", "maximumRetries": "0"}
    pipeline = activate(
        client,
        {"id": "Good", "command": f"echo done >{tmp_path}/good", **common},
        {"id": "Bad", "command": "exit 3", **common},
    )
    found = ended(client, pipeline)
    assert (found["Good"]["@status"], found["Bad"]["errorId"]) == ("FINISHED", "ExitCode3")
    assert (tmp_path / "good").read_text() == "done\n"
    quick = {**common, "reportProgressTimeout": "1 second"}
    long = {"id": "Long", "command": f"echo $$ >{tmp_path}/pid; exec sleep 600", **quick}
    pipeline = activate(client, long)
    pid = wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), 20)
    ids = client.query_objects(pipelineId=pipeline, sphere="INSTANCE")["ids"]
    client.set_status(pipelineId=pipeline, objectIds=ids, status="TRY_CANCEL")
    wait_until(lambda: "zombie" in _state(pid) or not _state(pid), 20)


def _state(pid):
    try:
        return Path(f"/proc/{pid.strip()}/status").read_text()
    except FileNotFoundError:
        return ""


@pytest.mark.parametrize("name", ["test_word_handlers.py", "test_complete_handlers.py"])
def test_the_tests_of_the_docs(tmp_path, name):
    """The test of a handler passes, as a test."""
    for file, text in programs().items():
        (tmp_path / file).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [*command, "--rootdir", tmp_path, name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_isolated_handler(tmp_path, monkeypatch):
    """It goes on where the attempt before was, and fails in its own words."""
    (tmp_path / "apart_handlers.py").write_text(programs()["apart_handlers.py"])
    monkeypatch.syspath_prepend(tmp_path)
    task = make_task("ImportActivity", {"mustFail": "true"}, previous={"done": "98"})
    __import__("apart_handlers")
    result = run_handler(None, task)
    assert (result.error_id, result.message) == ("NoPaper", "There is no paper.")
    assert result.reports == [{"done": "99"}, {"done": "100"}]


def test_the_precondition(tmp_path, monkeypatch):
    """The precondition of the docs, of the data node of the docs, waits for the mark."""
    (tmp_path / "complete_handlers.py").write_text(programs()["complete_handlers.py"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    __import__("complete_handlers")
    ready, node, _ = json.loads(blocks("json")[0])["objects"]
    assert node.pop("precondition") == {"ref": ready.pop("id")}
    task = make_task(ready["type"], {**ready, "node": node["id"]}, {node["id"]: node})
    words = "words.csv is not complete: there is no words.csv.done."
    assert (run_handler(None, task).status, run_handler(None, task).message) == ("FALSE", words)
    (tmp_path / "words.csv.done").touch()
    assert run_handler(None, task).status == "FINISHED"


def test_the_entry_point(tmp_path, monkeypatch):
    """The entry point of the docs, in an installed package, is a handler."""
    (tmp_path / "word_handlers.py").write_text(programs()["word_handlers.py"])
    (toml,) = blocks("toml")
    package = tmp_path / "words-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: words\nVersion: 1.0\n")
    group = toml.replace('[project.entry-points."coordinator.handlers"]', "[coordinator.handlers]")
    (package / "entry_points.txt").write_text(group.replace('"', ""))
    monkeypatch.syspath_prepend(tmp_path)
    assert metadata.version("words") == "1.0"
    registry = Registry()
    registry.load_entry_points()
    assert "CountWordsActivity" in registry.types()


def test_a_handler_in_ten_lines():
    """The first example has ten lines, imports included."""
    lines = programs()["word_handlers.py"].splitlines()[1:]
    assert len([line for line in lines if line]) <= 10


def test_what_the_docs_name_is_there():
    """Every handler, every option and every errorId of ours stands in the docs."""
    for name in BUILT_IN:
        assert f"**{name}**" in DOCS
    options = {option for parameter in cli.commands["runner"].params for option in parameter.opts}
    assert set(re.findall(r"`(--[a-z-]+)`", DOCS)) <= options
    source = "".join(
        path.read_text()
        for path in (Path(__file__).parents[2] / "coordinator/runner").rglob("*.py")
    )
    raised = set(re.findall(r'(?:Error|Outcome)\(\s*"([A-Z]\w+)"', source))
    raised |= set(re.findall(r'ERROR_ID = "(\w+)"', source))
    assert raised - {"Canceled", "ExitCode0"} <= set(re.findall(r"`(\w+)`", DOCS))
