"""Commands of ShellCommandActivity, as real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from queue import SimpleQueue

import psutil
import pytest
from scripted_api import task as wire_task
from waiting import wait_until

from coordinator.runner import task as tasks
from coordinator.runner.guard import Guard
from coordinator.runner.plan import CannotStartError, plan_of
from coordinator.runner.shell import ShellCommand

GUARDED = """
import sys, threading
from coordinator.runner.guard import Guard
from coordinator.runner.plan import plan_of
from coordinator.runner.shell import ShellCommand
from coordinator.runner.task import Task
fields = {"command": [sys.argv[1]]}
ShellCommand(plan_of(Task("handle", "df-1", "attempt", fields)), Guard(), lambda: None)
print("started", flush=True)
threading.Event().wait()
"""


def make(command, **fields):
    """A task as the runner gets it."""
    return tasks.from_wire({"taskObject": wire_task(command, **fields)})


@pytest.fixture
def guard():
    """A guard with a process of its own."""
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture
def start(guard):
    """Start commands; what a test leaves running is ended."""
    started = []

    def start(command, **fields):
        ended = SimpleQueue()
        made = make(command, **fields)
        plan = plan_of(made, streams=(made.field("stdout"), made.field("stderr")))
        shell = ShellCommand(plan, guard, lambda: ended.put(True))
        started.append(shell)
        shell.wait_for_end = lambda: ended.get(timeout=10)
        return shell

    yield start
    for shell in started:
        shell.stop(0)


@pytest.fixture
def run(start):
    """Run a command to its end and return the outcome."""

    def run(command, **fields):
        shell = start(command, **fields)
        shell.wait_for_end()
        return shell.outcome()

    return run


def gone(pid):
    """Whether a process has ended, even if nobody has collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pid_in(path):
    """The process id that a command wrote to a file, once it is there."""
    return int(wait_until(lambda: path.exists() and path.read_text().strip()))


def test_success(run):
    """Exit code 0 is FINISHED, with nothing else to say."""
    assert run("exit 0").wire() == {"taskStatus": "FINISHED"}


def test_failure(run):
    """Another exit code is FAILED, with the code and what was on stderr."""
    assert run("echo first >&2; echo oops >&2; exit 3").wire() == {
        "taskStatus": "FAILED",
        "errorId": "ExitCode3",
        "errorMessage": "The command ended with exit code 3.",
        "errorStackTrace": "first\noops\n",
    }


def test_death_by_a_signal(run):
    """A command that a signal ended names the signal."""
    outcome = run("kill -9 $$")
    assert (outcome.error_id, outcome.message) == (
        "Signal9",
        "The command was ended by signal 9 (SIGKILL).",
    )


@pytest.mark.parametrize("to_file", [False, True])
def test_only_the_end_of_stderr(run, tmp_path, to_file):
    """The last 1024 characters are kept, of a long stderr with characters of several bytes."""
    program = "import sys; sys.stderr.write('a' * 1_000_000 + 'é' * 1000 + 'end'); sys.exit(1)"
    fields = {"stderr": str(tmp_path / "err")} if to_file else {}
    outcome = run(f'exec {sys.executable} -c "{program}"', **fields)
    assert outcome.stack_trace == "a" * 21 + "é" * 1000 + "end"


def test_stderr_that_is_no_text(run):
    """What the API does not take on the wire is replaced, and does not cost the result."""
    trace = run(r"printf 'a\000\033[1m\377b' >&2; exit 1").wire()["errorStackTrace"]
    assert trace == "a\ufffd\ufffd[1m\ufffdb"


def test_arguments(run, tmp_path):
    """Each scriptArgument is one positional parameter, in order, whatever is in it."""
    arguments = ["one", "two words", "$HOME `x` 'q' \"", "", "-n"]
    run('printf "%s\\n" "$0" "$@"', scriptArgument=arguments, stdout=str(tmp_path / "out"))
    assert (tmp_path / "out").read_text().split("\n")[:-1] == ["sh", *arguments]


def test_output_files(run, tmp_path):
    """Both streams go to their paths, whose directories are made."""
    out, err = tmp_path / "a" / "b" / "out", tmp_path / "c" / "err"
    outcome = run("echo to-out; echo to-err >&2; exit 1", stdout=str(out), stderr=str(err))
    assert (out.read_text(), err.read_text()) == ("to-out\n", "to-err\n")
    assert outcome.stack_trace == "to-err\n"


def test_output_is_replaced(run, tmp_path):
    """A further attempt starts with an empty file."""
    for text in ("a long first attempt", "second"):
        run(f"echo {text}", stdout=str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "second\n"


def test_both_streams_in_one_file(run, tmp_path):
    """One path for both keeps the order of what was written."""
    path = str(tmp_path / "log")
    outcome = run("echo 1; echo 2 >&2; echo 3; exit 1", stdout=path, stderr=path)
    assert (tmp_path / "log").read_text() == "1\n2\n3\n"
    assert outcome.stack_trace == "1\n2\n3\n"


def test_environment(run, tmp_path, monkeypatch):
    """The command knows its task and has the runner's environment, without AWS secrets."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("COORDINATOR_PREVIOUS_STALE", "of another task")
    fields = {
        "__attemptCount": "2",
        "__fencingToken": "1700000000000001",
        "__previous.rows-done": "17",
    }
    run("env", stdout=str(tmp_path / "env"), **fields)
    lines = (tmp_path / "env").read_text().splitlines()
    assert {line for line in lines if line.startswith(("COORDINATOR_", "AWS_"))} >= {
        "AWS_REGION=eu-west-1",
        "COORDINATOR_PIPELINE_ID=df-1",
        "COORDINATOR_ATTEMPT_ID=@Act_2026-01-01T00:00:01_Attempt=1",
        "COORDINATOR_ATTEMPT=2",
        "COORDINATOR_FENCING_TOKEN=1700000000000001",
        "COORDINATOR_PREVIOUS_ROWS_DONE=17",
    }
    assert not [line for line in lines if "secret" in line or "STALE" in line]
    assert f"PATH={os.environ['PATH']}" in lines


def test_nothing_to_read(run):
    """Standard input is empty, so that a command that reads does not wait for ever."""
    assert run("cat").status == "FINISHED"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"command": None}, "neither a command nor a scriptUri"),
        ({"stderr": "/dev/null/err"}, "output cannot be opened"),
        ({"scriptArgument": "x" * 1_000_000}, "Argument list too long"),
    ],
)
def test_what_cannot_start(start, fields, reason):
    """A command that cannot be run is explained."""
    with pytest.raises(CannotStartError, match=reason):
        start(**{"command": "true", **fields})


def test_stop_ends_grandchildren(start, tmp_path):
    """Everything in the group ends with a stop, also what runs in the background."""
    path = tmp_path / "pid"
    shell = start(f"(sleep 600 & echo $! >{path}; wait) & wait")
    grandchild = pid_in(path)
    shell.stop()
    assert gone(grandchild)
    assert gone(shell.pid)


def test_stop_kills_what_ignores_term(start, tmp_path):
    """A process that ignores TERM gets KILL, not before the time it was given."""
    path = tmp_path / "pid"
    start_at_term = f"trap '' TERM; sh -c 'echo $$ >{path}; while :; do sleep 600; done'"
    shell = start(start_at_term)
    stubborn = pid_in(path)
    began = time.monotonic()
    shell.stop(kill_after=0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert gone(stubborn)


def test_stop_reaches_a_stopped_process(start, tmp_path):
    """A process under SIGSTOP sees the TERM at once."""
    path = tmp_path / "pid"
    shell = start(f"echo $$ >{path}; exec sleep 600")
    os.kill(pid_in(path), signal.SIGSTOP)
    began = time.monotonic()
    shell.stop()
    assert time.monotonic() - began < 5


def test_the_work_ends_with_the_shell(run, tmp_path):
    """What the command left in the background is ended before the result is told."""
    path = tmp_path / "pid"
    outcome = run(f"sleep 600 & echo $! >{path}")
    assert outcome.status == "FINISHED"
    assert gone(pid_in(path))


@pytest.mark.skipif(sys.platform != "linux", reason="setsid(1) is a Linux command")
def test_a_daemon_does_not_hold_up_the_result(run, tmp_path):
    """What left the group goes on, and its hold on stderr delays the result by 2 s at most."""
    path = tmp_path / "pid"
    leave = f"setsid sh -c 'echo $$ >{path}; exec sleep 600' & while [ ! -s {path} ]; do :; done"
    outcome = run(f"echo kept >&2; {leave}; exit 1")
    daemon = pid_in(path)
    try:
        assert not gone(daemon)
        assert outcome.stack_trace == "kept\n"
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_kill_9_of_the_runner_ends_the_group(tmp_path):
    """The guard ends what a killed runner left running, grandchildren too."""
    path = tmp_path / "pid"
    command = f"trap '' TERM HUP; sleep 600 & echo $! >{path}; wait"
    with subprocess.Popen(
        [sys.executable, "-c", GUARDED, command], stdout=subprocess.PIPE
    ) as runner:
        assert runner.stdout.readline() == b"started\n"
        grandchild = pid_in(path)
        runner.kill()
    wait_until(lambda: gone(grandchild))


def test_a_lost_guard_is_replaced(guard, start):
    """A guard that was killed is started again, and told of the tasks in hand."""
    first = start("sleep 600")
    killed = guard._process
    killed.kill()
    wait_until(lambda: gone(killed.pid))
    second = start("sleep 600")
    assert guard._process is not killed
    guard.close()
    wait_until(lambda: gone(first.pid))
    wait_until(lambda: gone(second.pid))


def test_an_ended_group_is_forgotten(guard, start):
    """The guard leaves a group alone whose number may belong to somebody else by now."""
    shell = start("true")
    shell.wait_for_end()
    shell.outcome()
    assert not guard._groups
    with contextlib.suppress(ProcessLookupError):
        os.killpg(shell.pid, 0)
        pytest.fail("the group is still there")
