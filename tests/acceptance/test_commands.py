"""The command line as a user meets it: what it prints, its exit codes, and no traceback."""

from __future__ import annotations

import re
import signal
import socket
from contextlib import closing

import pytest
from pipelines import activity, describe, ids, new_group, start
from processes import CommandProcess, with_argument
from replicas import ReplicaProcess, run_command
from waiting import wait_until

COMMANDS = ["serve", "runner", "check", "shards", "lua", "bench"]
USAGE = 2


@pytest.fixture
def command(tmp_path):
    """Start commands that do not end by themselves; they are killed after the test."""
    started = []

    def run(*arguments, **settings):
        started.append(CommandProcess(tmp_path / f"log-{len(started)}", arguments, settings))
        return started[-1]

    yield run
    for process in started:
        process.close()


@pytest.fixture
def taken_port():
    """A port on which something else listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        yield taken.getsockname()[1]


def printed(*arguments, **settings):
    """Run a command that must succeed, and return what it prints."""
    done = run_command(*arguments, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def complaint(code, *arguments, **settings):
    """Run a command that must fail, and return what it says."""
    done = run_command(*arguments, **settings)
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_help():
    """The help names every command, and each command explains itself and its options."""
    text = printed("--help")
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\w", text, re.MULTILINE), name
        assert f"coordinator {name} " in printed(name, "--help").replace(
            "coordinator.cli", "coordinator"
        )
    assert "--endpoint" in printed("runner", "-h")
    assert re.search(r"\d+\.\d+\.\d+", printed("--version"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch"], "nosuch"),
        (["serve", "--port", "65536"], "--port"),
        (["shards", "grow", "0"], "COUNT"),
        (["shards", "grow", "many"], "COUNT"),
        (["shards", "grow"], "COUNT"),
        (["bench", "reports", "--rounds", "0"], "--rounds"),
        (["bench", "reports", "--seconds", "0"], "--seconds"),
        (["runner"], "--endpoint"),
        (["runner", "--endpoint", "http://127.0.0.1:1"], "--worker-group"),
        (
            ["runner", "--endpoint", "http://127.0.0.1:1", "--worker-group", "g", "--tasks", "0"],
            "--tasks",
        ),
        (["lua", "show", "no_such_script"], "claim_task"),
        (["shards", "show"], "COORDINATOR_REDIS_URL"),
        (["check"], "COORDINATOR_REDIS_URL"),
    ],
)
def test_wrong_usage(arguments, words):
    """What is wrong is named, the help is pointed at, and the exit code is 2."""
    said = complaint(USAGE, *arguments)
    assert words in said
    assert "--help" in said


@pytest.mark.parametrize("words", [[], ["credentials"], ["shards"], ["lua"], ["bench"]])
def test_help_says_in_a_whole_sentence_what_a_command_does(words):
    """On a terminal of 80 columns none is cut off."""
    listed = printed(*words, "--help").partition("Commands:")[2].strip().splitlines()
    assert listed
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_an_endpoint_that_is_no_url():
    """The runner says so at once instead of trying for ever."""
    said = complaint(USAGE, "runner", "--endpoint", "localhost", "--worker-group", "g")
    assert said.strip() == (
        "The runner cannot be set up: Invalid endpoint: localhost (--endpoint http://localhost?)"
    )


def test_shards(new_server):
    """Their number can be shown and raised, and never becomes smaller."""
    url = new_server().url
    assert printed("shards", "show", REDIS_URL=url) == "There is 1 shard (over time: 1).\n"
    assert printed("shards", "grow", "4", REDIS_URL=url).startswith("There are 4 shards;")
    printed("shards", "grow", "4", REDIS_URL=url)
    said = complaint(1, "shards", "grow", "3", REDIS_URL=url)
    assert said == "coordinator: There are 4 shards; the number only grows.\n"
    assert printed("shards", "show", REDIS_URL=url) == "There are 4 shards (over time: 1, 4).\n"


@pytest.mark.parametrize("arguments", [["shards", "show"], ["shards", "grow", "2"], ["check"]])
def test_a_redis_that_is_away(arguments, tmp_path):
    """One sentence, and exit code 1."""
    url = f"unix://{tmp_path / 'nobody'}"
    (line,) = complaint(1, *arguments, REDIS_URL=url, REDIS_TIMEOUT=1).splitlines()
    assert line.startswith("coordinator: ")
    assert str(tmp_path) in line


def test_lua_show():
    """A script is printed as Redis gets it, each line with the number that Redis would report."""
    lines = printed("lua", "show", "claim_task").splitlines()
    assert [int(line[:4]) for line in lines] == list(range(1, len(lines) + 1))
    assert lines[0].startswith("   1 #!lua")
    assert any("local function instance_key" in line for line in lines)


def test_a_taken_port_leaves_no_embedded_server(tmp_path, taken_port):
    """A start that fails takes its Valkey with it, so that the next start finds the data free."""
    data = tmp_path / "data"
    done = run_command("serve", "--port", str(taken_port), DATA_DIR=data)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(taken_port) in done.stderr.splitlines()[-1]
    assert with_argument(str(data)) == []
    with closing(ReplicaProcess(DATA_DIR=data)) as replica:
        replica.start()


def test_a_runner_before_its_coordinator(command, new_server):
    """It keeps trying, says so once, works as soon as there is a coordinator, and ends with 0."""
    group = new_group()
    replica = ReplicaProcess(new_server().url, POLL_WAIT=1)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        replica.port = free.getsockname()[1]
    runner = command("runner", "--endpoint", replica.url, "--worker-group", group, "--tasks", "1")
    wait_until(lambda: "polls: failing" in runner.log, 20)
    with closing(replica):
        replica.start()
        with closing(replica.client()) as api:
            pipeline = start(api, activity("Work", group, command="true"))

            def status():
                return describe(api, pipeline, *ids(api, pipeline))[0]["@status"]

            wait_until(lambda: status() == "FINISHED", 30)
        assert runner.log.count("polls: failing") == runner.log.count("polls: recovered") == 1
        assert runner.end(signal.SIGTERM) == 0


def test_a_runner_whose_coordinator_never_comes(command):
    """SIGTERM ends it with 0 while it is still trying."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    runner = command("runner", "--endpoint", url, "--worker-group", "g")
    wait_until(lambda: "polls: failing" in runner.log, 20)
    assert runner.running()
    assert runner.end(signal.SIGTERM) == 0
    assert "Traceback" not in runner.log


@pytest.mark.measure
def test_bench_reports():
    """The table and its sentences; no request failed, and a report is within reach of the floor."""
    text = printed("bench", "reports", "--rounds", "1", "--seconds", "0.2", "--signed")
    for column in ("round", "floor µs", "replica µs", "signed µs", "CPU ratio"):
        assert column in text
    found = re.search(r"costs 1/(\d\.\d\d) of the floor's CPU .*; (\d+) failed requests\.", text)
    assert found, text
    assert float(found[1]) >= 0.35
    assert found[2] == "0"
    assert re.search(r"A signed one costs -?\d+\.\d µs of CPU more", text)
