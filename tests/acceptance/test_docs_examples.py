"""docs/examples.md tells the truth: its files and commands work as they stand.

Only the ports 8080 and 9000 are replaced, by free ones.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest
from documents import ENDPOINT, SERVING, blocks, described, ended, in_api_form, page, programs
from installed_clients import installed
from ports import free_ports
from runner_process import gone
from s3 import Bucket, s3_server
from waiting import wait_until

EXAMPLES, RUNNER, ALARMS = page("examples.md"), page("runner.md"), page("alarms.md")
PROGRAMS = programs(EXAMPLES)
TERMINALS, FILES, PUT, RUNS, WAITING, MEND, RESUME, SKIP, MONTH, FAN_OUT = blocks(
    EXAMPLES, "console"
)
WAITS, FAILED, DUE, DAYS = blocks(EXAMPLES, "text")
(NIGHTLY,) = blocks(EXAMPLES, "json")
# What differs from one run to the next: times, dates, directories, and how often was looked.
PASSING = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?|(?<=\()?/[^\s.:]*/|(?<=check )\d+")


class Shell:
    """A bash that goes on from one block of commands to the next."""

    def __init__(self, workplace, replaced):
        self._workplace = workplace
        self._replaced = replaced
        clients = str(Path(installed("aws")).parent)
        environment = workplace.environment()
        environment["PATH"] += os.pathsep + clients
        del environment["PYTHONPATH"]  # the aws CLI has libraries of its own
        with workplace.path("shell").open("wb") as errors:
            self._bash = subprocess.Popen(
                ["bash", "-eu"],
                cwd=workplace.directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def run(self, block):
        """Run the commands of a block; return what they print."""
        mark = uuid.uuid4().hex
        self._bash.stdin.write(f"{self.here(block)}\necho {mark}\n")
        self._bash.stdin.flush()
        lines = []
        for line in self._bash.stdout:
            if line.strip() == mark:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(self._workplace.read("shell") + "".join(lines))

    def here(self, block):
        """A block, with the ports that are used here."""
        for old, new in self._replaced.items():
            block = block.replace(old, new)
        return block

    def close(self):
        """End it."""
        self._bash.kill()
        self._bash.communicate()


@pytest.fixture
def shell(workplace):
    """The terminals of the page: a coordinator, a receiver, a runner, and a shell beside them."""
    ports = dict(zip(("8080", "9000"), map(str, free_ports(2)), strict=True))
    shell = Shell(workplace, ports)
    (receiver, *_) = blocks(ALARMS, "python")
    workplace.path("receiver.py").write_text(shell.here(receiver))
    for name, text in {**PROGRAMS, "nightly.json": NIGHTLY}.items():
        workplace.path(name).write_text(shell.here(text))
    for number, line in enumerate(shell.here(TERMINALS).splitlines()):
        workplace.start("bash", "-c", f"exec env {line}", log=f"terminal{number}")
    wait_until(lambda: SERVING.findall(workplace.read("terminal0")), 30)
    workplace.url = f"http://127.0.0.1:{ports['8080']}"
    yield shell
    shell.close()


def statuses(client, pipeline):
    """The status of each instance by component and day."""
    return {
        (one["@componentParent"], one["@scheduledStartTime"][:10]): one["@status"]
        for one in described(client, pipeline)
    }


def masked(words):
    """What is said, without what differs from one run to the next."""
    return PASSING.sub("*", words.strip())


@pytest.fixture
def nights(shell, workplace):
    """The pipeline of the page, once it has caught up: its id, and its nights."""
    shell.run(FILES)
    first = date.fromisoformat(min(path.stem for path in workplace.path("orders").iterdir()))
    shell.run(PUT)
    pipeline = shell.run("echo $id").strip()
    return pipeline, [str(first + timedelta(days)) for days in range(8)]


def rows(workplace, query):
    """What the warehouse answers."""
    connection = sqlite3.connect(workplace.path("warehouse.db"))
    found = list(connection.execute(query))
    connection.close()
    return found


@pytest.mark.timeout(180)
def test_a_nightly_load(shell, workplace, nights, stock_client):
    """The nights that are over run at once, the bad one is mended, and the schedule goes on."""
    pipeline, days = nights

    def reaches(**wanted):
        found = statuses(stock_client, pipeline)
        return all(
            found.get((name, days[number])) == status
            for name, by_day in wanted.items()
            for number, status in by_day.items()
        )

    good = dict.fromkeys((0, 1, 3), "FINISHED")
    waits = {4: "WAITING_ON_DEPENDENCIES"}
    total = good | {2: "CASCADE_FAILED"} | waits
    wait_until(lambda: reaches(Load=good | {2: "FAILED"} | waits, Total=total), 60)
    totals = rows(workplace, "SELECT * FROM totals ORDER BY day")
    assert totals == [(days[0], 10), (days[1], 11), (days[3], 13)]
    assert re.search(rf"@Load_{days[2]}T00:00:00 .*FAILED", " ".join(shell.run(RUNS).split()))

    wait_until(lambda: "check" in shell.run(WAITING), 20)
    assert masked(shell.run(WAITING)) == masked(WAITS)
    printed = wait_until(lambda: workplace.read("terminal1").splitlines(), 20)[0]
    assert masked(printed.partition(" ")[2]) == masked(FAILED)
    assert days[2] in printed

    shell.run(MEND)
    wait_until(lambda: reaches(Load=good | {2: "FINISHED"}, Total=good | {2: "FINISHED"}), 20)
    assert (days[2], 12) in rows(workplace, "SELECT * FROM totals")

    shell.run(RESUME)
    assert reaches(Load=waits)
    assert shell.run(SKIP).strip() == DUE.strip()[:-19] + f"{days[7]}T00:00:00"
    ends = {4: "SKIPPED"}  # those to come are left out when they do
    wait_until(lambda: reaches(Load=ends, Total=ends), 20)
    assert ("Load", days[7]) not in statuses(stock_client, pipeline)
    assert shell.run(MONTH) == DAYS
    january = "SELECT count(*), sum(amount) FROM totals WHERE day LIKE '2026-01-%'"
    assert rows(workplace, january) == [(31, 93)]


@pytest.fixture
def bucket():
    """An empty bucket, of a server that speaks S3, and the environment that leads to it."""
    with s3_server() as settings:
        bucket = Bucket("orders")
        yield bucket, settings
        bucket.close()


def test_the_folder_may_be_in_s3(workplace, stock_client, bucket):
    """The same definition waits for a file in S3, and loads it when it comes."""
    files, settings = bucket
    given = json.loads(NIGHTLY)
    pipeline = stock_client.create_pipeline(name="p", uniqueId="p")["pipelineId"]
    days = {"myStart": "2026-01-01T00:00:00", "myEnd": "2026-01-02T00:00:00"}
    values = {"myFolder": f"{files.uri}/orders", "myPause": "1 second", **days}
    put = stock_client.put_pipeline_definition(
        pipelineId=pipeline,
        pipelineObjects=[in_api_form(**one) for one in given["objects"]],
        parameterObjects=[
            {"id": one["id"], "attributes": in_api_form(**one)["fields"]}
            for one in given["parameters"]
        ],
        parameterValues=[{"id": key, "stringValue": value} for key, value in values.items()],
    )
    assert not put["errored"], put["validationErrors"]
    stock_client.activate_pipeline(pipelineId=pipeline)
    options = ["--endpoint", workplace.url, "--worker-group", "etl"]
    workplace.start("coordinator", "runner", *options, log="runner", **settings)
    wait_until(lambda: "There is no s3://orders/" in workplace.read("runner"), 20)
    files.put("orders/2026-01-01.csv", "apples,7\n")
    found = ended(stock_client, pipeline)
    assert {one["@status"] for one in found.values()} == {"FINISHED"}
    assert rows(workplace, "SELECT * FROM totals") == [("2026-01-01", 7)]


def test_fan_out_over_files(workplace):
    """The files are counted; a file that cannot be fails the total, too, and nobody waits."""
    workplace.serve()
    workplace.write(PROGRAMS | programs(RUNNER))
    runner, fan_out = (line.replace(ENDPOINT, workplace.url) for line in FAN_OUT.splitlines())
    workplace.start(*runner.split(), log="runner")
    workplace.path("files").mkdir()
    for number in range(5):
        workplace.path(f"files/{number}").write_text("some words\n" * number)
    assert workplace.start(*fan_out.split(), log="words").wait(60) == 0, workplace.read("words")
    assert workplace.read("words") == "20 words\n"
    workplace.path("files/bad").mkdir()
    assert workplace.start(*fan_out.split(), log="words").wait(60) == 0, workplace.read("words")
    assert "IsADirectoryError" in workplace.read("words")
    assert workplace.read("words").endswith("\n20 words\n")


@pytest.fixture
def by_hand(workplace, stock_client):
    """Activate a pipeline for the runner by hand, which runs; return the id."""
    workplace.write(PROGRAMS)
    workplace.start(sys.executable, "by_hand.py", log="by_hand")

    def activate(*objects):
        pipeline = stock_client.create_pipeline(name="p", uniqueId=uuid.uuid4().hex)["pipelineId"]
        given = [{"workerGroup": "by-hand", "maximumRetries": "0", **one} for one in objects]
        put = stock_client.put_pipeline_definition(
            pipelineId=pipeline, pipelineObjects=[in_api_form(**one) for one in given]
        )
        assert not put["errored"], put["validationErrors"]
        stock_client.activate_pipeline(pipelineId=pipeline)
        return pipeline

    return activate


def test_a_runner_by_hand(stock_client, workplace, by_hand):
    """It finishes and fails tasks, and says of a precondition that it is not satisfied yet."""
    common = {"type": "ShellCommandActivity"}
    pipeline = by_hand(
        {"id": "Good", "command": "echo done >good", **common, "precondition": {"ref": "Go"}},
        {"id": "Bad", "command": "exit 3", **common},
        {
            "id": "Go",
            "type": "ShellCommandPrecondition",
            "command": "test -e go",
            "retryDelay": "1 second",
        },
    )

    def words():
        return [one.get("@waitingReason", "") for one in described(stock_client, pipeline)]

    wait_until(lambda: any("not satisfied at check 1 (exit code 1)" in one for one in words()), 20)
    workplace.path("go").touch()
    found = ended(stock_client, pipeline)
    assert {name: one["@status"] for name, one in found.items()} == {
        "Good": "FINISHED",
        "Bad": "FAILED",
        "Go": "FINISHED",
    }
    assert found["Bad"]["errorMessage"] == "exit code 3"
    assert workplace.read("good") == "done\n"


def test_a_runner_by_hand_is_told_to_stop(stock_client, workplace, by_hand):
    """It reports how long it has worked, and a cancel ends the command and what it started."""
    common = {"type": "ShellCommandActivity", "reportProgressTimeout": "6 seconds"}
    pipeline = by_hand({"id": "Long", "command": "sleep 600 & echo $! >pid; wait", **common})
    pid = wait_until(lambda: workplace.path("pid").exists() and workplace.read("pid").strip(), 20)
    (long,) = described(stock_client, pipeline)
    wait_until(lambda: "seconds" in attempt(stock_client, pipeline), 20)
    ids = stock_client.query_objects(pipelineId=pipeline, sphere="INSTANCE")["ids"]
    assert long["@status"] == "RUNNING"
    stock_client.set_status(pipelineId=pipeline, objectIds=ids, status="TRY_CANCEL")
    wait_until(lambda: gone(int(pid)), 20)


def attempt(client, pipeline):
    """The fields of the one attempt of a pipeline."""
    ids = client.query_objects(pipelineId=pipeline, sphere="ATTEMPT")["ids"]
    (found,) = client.describe_objects(pipelineId=pipeline, objectIds=ids)["pipelineObjects"]
    return {field["key"]: field.get("stringValue") for field in found["fields"]}


def test_a_runner_by_hand_is_short():
    """It has at most forty lines."""
    assert len([line for line in PROGRAMS["by_hand.py"].splitlines()[1:] if line]) <= 40
