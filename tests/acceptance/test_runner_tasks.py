"""`coordinator runner` against `coordinator serve`: processes that are stopped and killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import botocore
import psutil
import pytest
from botocore.config import Config
from waiting import wait_until

COORDINATOR = [str(Path(sys.executable).with_name("coordinator"))]
TESTS = str(Path(__file__).parents[1])  # where some_handlers is
PORT = re.compile(r"on http://127\.0\.0\.1:(\d+)")


class Process:
    """A process of `coordinator`, whose log goes to a file."""

    def __init__(self, log, *arguments, **environment):
        self._log = log
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COORDINATOR_"))}
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [*COORDINATOR, *arguments], stderr=stderr, env={**clean, **environment}
            )

    @property
    def log(self):
        """What it has logged."""
        return self._log.read_text()

    def send(self, number):
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self, number=signal.SIGKILL):
        """End it, and return the exit code."""
        self.send(number)
        return self._process.wait(20)


@pytest.fixture
def processes(tmp_path):
    """Start processes of `coordinator`; they are killed with the test."""
    started = []

    def start(name, *arguments, **environment):
        started.append(Process(tmp_path / f"{name}.log", *arguments, **environment))
        return started[-1]

    yield start
    for process in reversed(started):
        process.end()


@pytest.fixture
def serve(processes, tmp_path):
    """Start the coordinator on the test's data; return it and its URL."""

    def start(port=0):
        process = processes(
            "serve", "serve", "--port", str(port), COORDINATOR_DATA_DIR=str(tmp_path / "data")
        )
        seen = process.log.count("serving")
        wait_until(lambda: process.log.count("serving") > seen, 20)
        return process, int(PORT.findall(process.log)[-1])

    return start


@pytest.fixture
def coordinator(serve):
    """A running coordinator and its port."""
    return serve()


@pytest.fixture
def client(coordinator):
    """A stock client of the coordinator."""
    return boto3.client(
        "datapipeline",
        endpoint_url=f"http://127.0.0.1:{coordinator[1]}",
        region_name="us-east-1",
        config=Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 5}),
    )


@pytest.fixture
def run(processes, coordinator):
    """Start a runner of the test's group."""

    def start(name="runner", *options):
        url = f"http://127.0.0.1:{coordinator[1]}"
        arguments = ["--endpoint", url, "--worker-group", "etl", "--runner-id", name, *options]
        return processes(name, "runner", *arguments, PYTHONPATH=TESTS)

    return start


@pytest.fixture
def activate(client):
    """Put a pipeline of shell commands, given as {id: fields}, and activate it."""

    def activate(**activities):
        pipeline = client.create_pipeline(name="p", uniqueId="p")["pipelineId"]
        objects = [_activity(name, fields) for name, fields in activities.items()]
        answer = client.put_pipeline_definition(pipelineId=pipeline, pipelineObjects=objects)
        assert not answer["errored"], answer
        client.activate_pipeline(pipelineId=pipeline)
        return pipeline

    return activate


def _activity(name, fields):
    fields = {"type": "ShellCommandActivity", "workerGroup": "etl", **fields}
    return {
        "id": name,
        "name": name,
        "fields": [
            {"key": key, ("refValue" if key == "dependsOn" else "stringValue"): value}
            for key, value in fields.items()
        ],
    }


def instances(client, pipeline):
    """The instances of a pipeline as {component: fields}."""
    ids = client.query_objects(pipelineId=pipeline, sphere="INSTANCE")["ids"]
    found = client.describe_objects(pipelineId=pipeline, objectIds=ids)["pipelineObjects"]
    read = [
        {f["key"]: f.get("stringValue", f.get("refValue")) for f in o["fields"]} | {"id": o["id"]}
        for o in found
    ]
    return {fields["@componentParent"]: fields for fields in read}


def statuses(client, pipeline):
    """The status of each component's instance."""
    return {name: fields["@status"] for name, fields in instances(client, pipeline).items()}


def pid_in(path):
    """The process id that a command wrote to a file, once it is there."""
    return int(wait_until(lambda: path.exists() and path.read_text().strip(), 20))


def gone(pid):
    """Whether a process has ended, even if nobody has collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_pipeline_of_commands(client, activate, run, tmp_path):
    """Commands run in the order of their dependencies, and a failure keeps its stack trace."""
    out = tmp_path / "out"
    pipeline = activate(
        first={"command": f"echo first >>{out}"},
        second={"command": f"echo second >>{out}", "dependsOn": "first"},
        broken={"command": "echo oops >&2; exit 7", "maximumRetries": "0"},
    )
    run()
    ended = {"first": "FINISHED", "second": "FINISHED", "broken": "FAILED"}
    wait_until(lambda: statuses(client, pipeline) == ended, 20)
    assert out.read_text() == "first\nsecond\n"
    broken = instances(client, pipeline)["broken"]
    assert (broken["errorId"], broken["errorStackTrace"]) == ("ExitCode7", "oops\n")


def test_an_activity_that_says_not_yet(client, activate, run):
    """The answer of a precondition is a failure of an activity, not a task that is lost."""
    fields = {"type": "IsThereActivity", "path": "/nowhere", "maximumRetries": "0"}
    pipeline = activate(odd=fields)
    run("runner", "--handlers", "some_handlers")
    wait_until(lambda: statuses(client, pipeline) == {"odd": "FAILED"}, 20)
    odd = instances(client, pipeline)["odd"]
    assert odd["errorId"] == "NotAPrecondition"
    assert "There is no /nowhere." in odd["errorMessage"]


def test_cancel_reaches_the_command(client, activate, run, tmp_path):
    """TRY_CANCEL ends the whole process group on the next report, and the instance is canceled."""
    path = tmp_path / "pid"
    pipeline = activate(
        long={
            "command": f"sleep 600 & echo $! >{path}; wait",
            "reportProgressTimeout": "3 seconds",
        }
    )
    run()
    grandchild = pid_in(path)
    instance = instances(client, pipeline)["long"]["id"]
    client.set_status(pipelineId=pipeline, objectIds=[instance], status="TRY_CANCEL")
    wait_until(lambda: gone(grandchild), 20)
    wait_until(lambda: statuses(client, pipeline) == {"long": "CANCELED"})


def test_kill_9_of_a_runner(client, activate, run, tmp_path):
    """The task of a killed runner goes to another, as its second attempt, and finishes."""
    path = tmp_path / "attempts"
    command = f'echo "$COORDINATOR_ATTEMPT $COORDINATOR_FENCING_TOKEN" >>{path}; [ -e {path}.go ]'
    pipeline = activate(
        poison={
            "command": f"{command} || exec sleep 600",
            "reportProgressTimeout": "2 seconds",
        }
    )
    first = run("first")
    wait_until(lambda: path.exists() and path.read_text(), 20)
    first.end()
    (tmp_path / "attempts.go").touch()
    run("second")
    wait_until(lambda: statuses(client, pipeline) == {"poison": "FINISHED"}, 30)
    (one, old), (two, new) = [line.split() for line in path.read_text().splitlines()]
    assert (one, two) == ("1", "2")
    assert int(old) < int(new)


def test_a_runner_stopped_before_its_task_ends(client, activate, run, tmp_path):
    """Another has the task within seconds and finishes it, though it may not be retried."""
    path = tmp_path / "attempts"
    pipeline = activate(
        long={
            "command": f"echo $COORDINATOR_ATTEMPT >>{path}; [ -e {path}.go ] || exec sleep 600",
            "maximumRetries": "0",
            "retryDelay": "1 hour",
        }
    )
    first = run("first", "--grace", "0")
    wait_until(lambda: path.exists() and path.read_text(), 20)
    (tmp_path / "attempts.go").touch()
    assert first.end(signal.SIGTERM) == 1
    run("second")
    wait_until(lambda: statuses(client, pipeline) == {"long": "FINISHED"}, 60)
    assert path.read_text() == "1\n2\n"


def test_a_draining_runner_takes_nothing(client, activate, run, tmp_path):
    """A task that comes while one runner drains goes to another at once, not after a time-out."""
    path = tmp_path / "done"
    first = run("first", "--tasks", "2")
    wait_until(lambda: "polls" in first.log, 20)
    pipeline = activate(
        slow={"command": f"echo $$ >{path}.pid; while [ ! -e {path} ]; do sleep 0.1; done"},
    )
    pid_in(tmp_path / "done.pid")
    first.send(signal.SIGTERM)
    wait_until(lambda: "stopping" in first.log)
    run("second")
    other = client.create_pipeline(name="other", uniqueId="other")["pipelineId"]
    client.put_pipeline_definition(
        pipelineId=other, pipelineObjects=[_activity("quick", {"command": "true"})]
    )
    client.activate_pipeline(pipelineId=other)
    wait_until(lambda: statuses(client, other) == {"quick": "FINISHED"}, 20)
    assert statuses(client, pipeline) == {"slow": "RUNNING"}
    path.touch()
    wait_until(lambda: statuses(client, pipeline) == {"slow": "FINISHED"}, 20)


def test_kill_9_of_the_coordinator(serve, coordinator, client, activate, run, tmp_path):
    """The work outlives the coordinator and its Valkey, and its result gets through afterwards."""
    path = tmp_path / "end"
    pipeline = activate(
        slow={
            "command": f"echo $$ >{path}.pid; while [ ! -e {path} ]; do sleep 0.1; done",
            "reportProgressTimeout": "1 minute",
        }
    )
    runner = run()
    pid = pid_in(tmp_path / "end.pid")
    coordinator[0].end()
    path.touch()
    wait_until(lambda: gone(pid))
    began = time.monotonic()
    serve(coordinator[1])
    wait_until(lambda: statuses(client, pipeline) == {"slow": "FINISHED"}, 30)
    assert time.monotonic() - began < 30
    assert runner.end(signal.SIGTERM) == 0
    assert instances(client, pipeline)["slow"].get("@attemptCount", "1") == "1"
