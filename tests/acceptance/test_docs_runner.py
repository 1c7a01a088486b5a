"""docs/runner.md and docs/handlers.md tell the truth: every block of them runs."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import sys
import uuid
from importlib import metadata

import pytest
from documents import DOCS, ENDPOINT, blocks, ended, in_api_form, page, programs

from coordinator.cli import cli
from coordinator.runner import Registry
from coordinator.runner.handlers import BUILT_IN
from coordinator.runner.testing import make_task, run_handler

RUNNER, HANDLERS = page("runner.md"), page("handlers.md")
PROGRAMS = programs(RUNNER)


def activate(client, *objects):
    """Run a definition, given as the guide's JSON has it; return the pipeline's id."""
    pipeline = client.create_pipeline(name="p", uniqueId=uuid.uuid4().hex)["pipelineId"]
    put = client.put_pipeline_definition(
        pipelineId=pipeline, pipelineObjects=[in_api_form(**one) for one in objects]
    )
    assert not put["errored"], put["validationErrors"]
    client.activate_pipeline(pipelineId=pipeline)
    return pipeline


def test_the_command_runs_the_handler(stock_client, workplace):
    """The command of the page takes the handler of the page."""
    (command,) = [line for block in blocks(RUNNER, "console") for line in block.splitlines()]
    workplace.write(PROGRAMS)
    workplace.start(*command.replace(ENDPOINT, workplace.url).split(), log="runner")
    workplace.path("words").write_text("three of them")
    count = {"id": "Count", "type": "CountWordsActivity", "workerGroup": "etl"}
    found = ended(
        stock_client, activate(stock_client, {**count, "path": str(workplace.path("words"))})
    )
    assert found["Count"]["@status"] == "FINISHED"


def test_a_script_of_ones_own_runs_the_handlers_that_are_there(stock_client, workplace):
    """The script of one page works on the definition of the other, and stops by a signal."""
    (definition,) = blocks(HANDLERS, "json")
    workplace.write(PROGRAMS)
    runner = workplace.start(sys.executable, "my_runner.py", log="runner")
    workplace.path("words.csv").write_text("one,1\ntwo,2\n")
    found = ended(stock_client, activate(stock_client, *json.loads(definition)["objects"]))
    assert {name: one["@status"] for name, one in found.items()} == dict.fromkeys(
        ["Load", "Double", "Show"], "FINISHED"
    ), found
    rows = sqlite3.connect(workplace.path("words.db"))
    assert list(rows.execute("SELECT * FROM words ORDER BY seen")) == [("one", 2), ("two", 4)]
    rows.close()
    assert workplace.read("lines.txt").strip() == "2"
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(15) == 0


@pytest.mark.parametrize("name", ["test_word_handlers.py", "test_complete_handlers.py"])
def test_the_tests_of_the_page(workplace, name):
    """The test of a handler passes, as a test."""
    workplace.write(PROGRAMS)
    options = ["-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
    ran = workplace.start(sys.executable, "-m", "pytest", *options, name)
    assert ran.wait(60) == 0, workplace.read("log")
    assert "1 passed" in workplace.read("log")


def test_the_isolated_handler(tmp_path, monkeypatch):
    """It goes on where the attempt before was, and fails in its own words."""
    (tmp_path / "apart_handlers.py").write_text(PROGRAMS["apart_handlers.py"])
    monkeypatch.syspath_prepend(tmp_path)
    task = make_task("ImportActivity", {"mustFail": "true"}, previous={"done": "98"})
    __import__("apart_handlers")
    result = run_handler(None, task)
    assert (result.error_id, result.message) == ("NoPaper", "There is no paper.")
    assert result.reports == [{"done": "99"}, {"done": "100"}]


def test_the_precondition(tmp_path, monkeypatch):
    """The precondition of the docs, of the data node of the docs, waits for the mark."""
    (tmp_path / "complete_handlers.py").write_text(PROGRAMS["complete_handlers.py"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    __import__("complete_handlers")
    ready, node, _ = json.loads(blocks(RUNNER, "json")[0])["objects"]
    assert node.pop("precondition") == {"ref": ready.pop("id")}
    task = make_task(ready["type"], {**ready, "node": node["id"]}, {node["id"]: node})
    words = "words.csv is not complete: there is no words.csv.done."
    assert (run_handler(None, task).status, run_handler(None, task).message) == ("FALSE", words)
    (tmp_path / "words.csv.done").touch()
    assert run_handler(None, task).status == "FINISHED"


def test_the_entry_point(tmp_path, monkeypatch):
    """The entry point of the docs, in an installed package, is a handler."""
    (tmp_path / "word_handlers.py").write_text(PROGRAMS["word_handlers.py"])
    (toml,) = blocks(RUNNER, "toml")
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
    lines = PROGRAMS["word_handlers.py"].splitlines()[1:]
    assert len([line for line in lines if line]) <= 10


def test_what_the_docs_name_is_there():
    """Every handler, every option and every errorId of ours stands in the docs."""
    for name in BUILT_IN:
        assert f"**{name}**" in HANDLERS
    options = {option for parameter in cli.commands["runner"].params for option in parameter.opts}
    assert set(re.findall(r"`(--[a-z-]+)`", RUNNER)) <= options
    code = (DOCS.parent / "coordinator/runner").rglob("*.py")
    source = "".join(path.read_text() for path in code)
    raised = set(re.findall(r'(?:Error|Outcome)\(\s*"([A-Z]\w+)"', source))
    raised |= set(re.findall(r'ERROR_ID = "(\w+)"', source))
    assert raised - {"Canceled", "ExitCode0"} <= set(re.findall(r"`(\w+)`", HANDLERS))
