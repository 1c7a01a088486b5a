"""The README tells the truth: every command and snippet in it runs, every table is the code's."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ENDPOINT, blocks, run_bash
from installed_clients import environment as client_environment
from installed_clients import installed
from pipelines import poll, task_fields
from pydantic_core import PydanticUndefined
from replicas import ReplicaProcess
from waiting import wait_until

from coordinator.commands.bench.servers import free_port
from coordinator.config import PREFIX, Settings
from coordinator.domain.credentials import ROLES
from coordinator.service.keyring import exposure, load
from coordinator.wire.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COORDINATOR = [sys.executable, "-m", "coordinator.cli"]


def _blocks(language: str) -> list[str]:
    return blocks(README, language)


def _commands() -> list[str]:
    lines = [line for block in _blocks("console") for line in block.splitlines()]
    return [line.partition("#")[0].strip() for line in lines if line.strip()]


AWS_CLI = (
    "export AWS_ENDPOINT_URL_DATA_PIPELINE=http://127.0.0.1:8080 AWS_ACCESS_KEY_ID=any"
    " AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1\n"
    "id=$(aws datapipeline create-pipeline --name nightly --unique-id nightly-2"
    " --query pipelineId --output text)\n"
    "aws datapipeline put-pipeline-definition --pipeline-id $id"
    " --pipeline-definition file://nightly.json\n"
    "aws datapipeline activate-pipeline --pipeline-id $id"
    " --parameter-values myBucket=other-bucket\n"
    "aws datapipeline list-runs --pipeline-id $id"
).splitlines()
CREDENTIALS = """touch credentials.toml
chmod 600 credentials.toml
.venv/bin/coordinator credentials new --role operator >> credentials.toml
.venv/bin/coordinator credentials new --role runner --worker-group 'etl-*' >> credentials.toml
export COORDINATOR_CREDENTIALS_FILE=credentials.toml""".splitlines()
# `make test-deploy`, which needs root, runs these in containers; make test does not.
STACK = dict.fromkeys(
    ["docker compose up -d", "docker compose run --rm sample"], "tests/deploy/test_deploy.py"
)
# Every command of the README, with the test that runs it (make test and make check run this file).
RUN_BY = {
    "make demo": "test_demo_ends_well",
    "make test": ".ci/run",
    "make serve": "test_serve_and_runner",
    ".venv/bin/coordinator runner --endpoint http://127.0.0.1:8080 --worker-group etl": (
        "test_serve_and_runner"
    ),
    **dict.fromkeys(AWS_CLI, "test_the_aws_cli"),
    "export COORDINATOR_REDIS_URL=redis://127.0.0.1:6379/0": "test_commands_on_a_redis",
    **dict.fromkeys(CREDENTIALS, "test_credentials"),
    ".venv/bin/coordinator check": "test_commands_on_a_redis",
    ".venv/bin/coordinator serve --port 8080": "test_commands_on_a_redis",
    ".venv/bin/coordinator shards show": "test_commands_on_a_redis",
    ".venv/bin/coordinator bench reports --rounds 7": "test_bench",
}


def _table(heading: str) -> list[list[str]]:
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows[1:]]


def test_every_command_is_run_by_a_test():
    """A command in the README that no test runs is a mistake, and so is a test of none."""
    assert sorted(_commands()) == sorted([*RUN_BY, *STACK])
    for test in RUN_BY.values():
        assert test == ".ci/run" or test in globals()
    assert "make check\nmake test" in (ROOT / ".ci/run").read_text()


def test_the_stack_is_run_as_the_readme_says():
    """Word by word, in containers, by continuous integration too."""
    for command, test in STACK.items():
        assert f'"{command}"' in (ROOT / test).read_text()
    assert "make test-deploy" in (ROOT / ".ci/run").read_text()


def test_settings_table_is_the_code():
    """Every setting stands in the table with its default, and nothing else does."""
    shown = {row[0].strip("`"): row[1].strip("`") for row in _table("Settings")}
    assert shown == {
        PREFIX + name.upper(): _default(field.get_default(call_default_factory=True))
        for name, field in Settings.model_fields.items()
    }


def _default(value: object) -> str:
    assert value is not PydanticUndefined
    if value in ("", {}, (), None):
        return "empty"
    return str(value)


def test_operations_table_is_the_code():
    """The table has a row for each operation, which says what is different here."""
    rows = _table("Operations")
    assert sorted(row[0] for row in rows) == sorted(OPERATIONS)
    assert all(row[1] for row in rows)


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_every_link_leads_somewhere(page):
    """To a file that is there, and to a heading of it."""
    links = re.findall(r"\]\(((?!https?:)[^)#]*)(?:#([^)]*))?\)", page.read_text())
    for name, heading in links:
        target = page.parent / name if name else page
        assert target.exists(), name
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert heading in {title.lower().replace(" ", "-") for title in titles}


def test_every_page_can_be_found():
    """The README leads to each page of docs/."""
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert set(re.findall(r"\]\((docs/\w+\.md)", README)) == pages


def test_make_help_lists_the_targets():
    """`make help` names every target that the README does."""
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "serve", "test", "check"):
        assert re.search(rf"^{target} ", shown.stdout, re.MULTILINE)


@pytest.mark.timeout(180)
def test_demo_ends_well():
    """`make demo` ends by itself, with exit code 0."""
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=170
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_serve_and_runner(tmp_path):
    """`make serve` serves; the snippet works against it; the runner of the README takes tasks."""
    probe = ReplicaProcess()
    port = free_port()
    environment = {**os.environ, "COORDINATOR_DATA_DIR": str(tmp_path / "data")}
    serve = subprocess.Popen(
        ["make", "serve", f"PORT={port}"], cwd=ROOT, env=environment, start_new_session=True
    )
    probe.port = port
    runner = None
    try:
        wait_until(lambda: _ready(probe), 60)
        (snippet,) = _blocks("python")
        ran = _run_snippet(snippet.replace(ENDPOINT, probe.url))
        assert "@Load_" in ran
        command = [*COORDINATOR, "runner", "--endpoint", probe.url, "--worker-group", "etl"]
        runner = subprocess.Popen(command, cwd=tmp_path)
        client = probe.client()
        (pipeline,) = client.list_pipelines()["pipelineIdList"]
        wait_until(lambda: _all_finished(client, pipeline["id"]), 30)
        client.close()
    finally:
        for process in filter(None, [runner, serve]):
            _end(process)
        probe.close()


def test_the_aws_cli(new_server, new_replica, tmp_path):
    """The commands work as they stand, on the definition that stands above them."""
    replica = new_replica(new_server().url)
    (definition,) = _blocks("json")
    (tmp_path / "nightly.json").write_text(definition)
    (commands,) = [block for block in _blocks("console") if "aws datapipeline" in block]
    folder = Path(installed("aws")).parent
    environment = {**client_environment(replica), "PATH": f"{folder}:{os.environ['PATH']}"}
    shown = run_bash(commands.replace(ENDPOINT, replica.url), tmp_path, environment)
    assert re.search(r"Fetch .*WAITING_FOR_RUNNER", shown, re.DOTALL)
    assert re.search(r"Load .*WAITING_ON_DEPENDENCIES", shown, re.DOTALL)
    client = replica.client()
    task = task_fields(poll(client, "etl"))
    assert task["command"] == "echo fetching s3://other-bucket/raw.csv"
    client.close()


def _run_snippet(snippet: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _ready(replica: ReplicaProcess) -> bool:
    try:
        return replica.ready()
    except OSError:
        return False


def _all_finished(client, pipeline: str) -> bool:
    selector = {"fieldName": "@status", "operator": {"type": "EQ", "values": ["FINISHED"]}}
    found = client.query_objects(
        pipelineId=pipeline, sphere="INSTANCE", query={"selectors": [selector]}
    )
    return len(found["ids"]) == 2


def _end(process: subprocess.Popen[bytes]) -> None:
    """Signal the process, and what make started for it, as a terminal's Ctrl-C would."""
    if os.getpgid(process.pid) == process.pid:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    process.wait(20)


def test_commands_on_a_redis(new_server, new_replica):
    """`check`, `serve --port` and `shards show` work on a Redis that the environment names."""
    server = new_server("redis7", aof=True)
    environment = {**os.environ, "COORDINATOR_REDIS_URL": server.url}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COORDINATOR, *words], env=environment, capture_output=True, text=True, check=False
        )

    checked = run("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "noeviction" in checked.stdout
    assert new_replica(server.url).ready()
    assert "There is 1 shard" in run("shards", "show").stdout


def test_credentials(tmp_path):
    """What `credentials new` prints is a file, with the roles of the table in it."""
    command = shlex.join(COORDINATOR)
    script = "\n".join(CREDENTIALS).replace(".venv/bin/coordinator", command)
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True)
    path = tmp_path / "credentials.toml"
    assert exposure(path) == ""
    assert [sorted(one.roles) for one in load(path).values()] == [["operator"], ["runner"]]
    shown = {row[0].strip("`"): row[1] for row in _table("Who may call")}
    assert set(shown) == set(ROLES)
    for role in ("viewer", "runner"):
        assert set(re.findall(r"\b[A-Z]\w+[a-z]\b", shown[role])) == ROLES[role]


@pytest.mark.measure
def test_bench():
    """`bench reports` prints its table, without a failed request."""
    words = ["bench", "reports", "--rounds", "1", "--seconds", "0.3"]
    ran = subprocess.run(
        [*COORDINATOR, *words], capture_output=True, text=True, check=False, timeout=100
    )
    assert ran.returncode == 0, ran.stderr
    assert "CPU ratio" in ran.stdout
    assert " 0 failed requests" in " ".join(ran.stdout.split())
