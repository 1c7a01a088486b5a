"""How a runner ends: by a signal, by the coordinator, or killed."""

from __future__ import annotations

import signal
import time

import psutil
import pytest
from runner_process import gone, results
from scripted_api import error, task
from waiting import wait_until


def test_terminate(api, start, tmp_path):
    """A heartbeat answered with terminate ends the runner when its task is finished."""
    api.tasks.append(task(f"while [ ! -e {tmp_path}/end ]; do sleep 0.05; done"))
    runner = start(heartbeat_seconds=0.2)
    wait_until(lambda: api.bodies("ReportTaskProgress"))
    api.answers["ReportTaskRunnerHeartbeat"] = {"terminate": True}
    wait_until(lambda: "stopping: no new tasks, 1 in hand" in runner.log)
    api.tasks.append(task("true", 2))
    (tmp_path / "end").touch()
    assert runner.wait() == 0
    assert results(api) == {"handle-1": "FINISHED"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_the_task_finish(api, start, tmp_path, number):
    """After a signal no task is taken, not even by a poll in flight; the one in hand finishes."""
    api.poll_seconds = 20
    api.tasks.append(task(f"while [ ! -e {tmp_path}/end ]; do sleep 0.05; done"))
    runner = start(tasks=2)
    wait_until(lambda: api.bodies("ReportTaskProgress"))
    wait_until(lambda: len(api.bodies("PollForTask")) == 2)
    runner.stop(number)
    wait_until(lambda: "stopping" in runner.log)
    api.tasks.append(task("true", 2))
    (tmp_path / "end").touch()
    assert runner.wait() == 0
    assert results(api) == {"handle-1": "FINISHED"}
    assert {body["taskId"] for body in api.bodies("ReportTaskProgress")} == {"handle-1"}


def test_idle_runner_stops_at_once(api, start):
    """Without a task in hand a signal ends the runner, although its poll would take long."""
    api.poll_seconds = 20
    runner = start()
    wait_until(lambda: api.bodies("PollForTask"))
    began = time.monotonic()
    runner.stop()
    assert runner.wait() == 0
    assert time.monotonic() - began < 5


def test_polls_in_flight_are_broken_off(api, start, tmp_path):
    """The coordinator sees the connection of a waiting poll close when the runner drains."""
    closed = []

    def poll(_):
        if api.tasks:
            return {"taskObject": api.tasks.pop(0)}
        runner_process = psutil.Process(runner.process.pid)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            time.sleep(0.05)
            established = [c for c in runner_process.net_connections("tcp") if c.raddr]
            if "stopping" in runner.log and all(c.status != "ESTABLISHED" for c in established):
                closed.append(True)
                break
        return None

    api.answers["PollForTask"] = poll
    api.tasks.append(
        task(f"while [ ! -e {tmp_path}/end ]; do sleep 0.05; done", __reportWithin="60")
    )
    runner = start(tasks=2)
    wait_until(lambda: api.bodies("ReportTaskProgress"))
    wait_until(lambda: len(api.bodies("PollForTask")) == 2)
    runner.stop()
    wait_until(lambda: closed)
    (tmp_path / "end").touch()
    assert runner.wait() == 0


def test_grace_runs_out(api, start, long_task):
    """A task that outlasts the grace is killed and reported as FAILED; the exit code tells it."""
    command, grandchild = long_task
    api.tasks.append(task(command))
    runner = start(grace=0.5)
    pid = grandchild()
    runner.stop()
    assert runner.wait() == 1
    assert gone(pid)
    (result,) = api.bodies("SetTaskStatus")
    assert (result["taskStatus"], result["errorId"]) == ("FAILED", "RunnerStopped")
    assert result["errorStackTrace"] == "working\n"


def test_what_ignores_term_has_ended_before_it_is_reported(api, start, long_task):
    """The next holder, who may begin at once, does not work beside it."""
    command, grandchild = long_task
    api.tasks.append(task(f"trap '' TERM; {command}"))
    ended = []
    api.answers["SetTaskStatus"] = lambda body: ended.append((body["errorId"], gone(pid))) or {}
    runner = start(grace=0)
    pid = grandchild()
    runner.stop()
    assert runner.wait() == 1
    assert ended == [("RunnerStopped", True)]


def test_giving_up_before_the_first_report_was_answered(api, start):
    """The task has not begun, and others may have it."""
    api.tasks.append(task("true"))
    api.answers["ReportTaskProgress"] = error("InternalServiceError", 500)
    runner = start(grace=0)
    wait_until(lambda: api.bodies("ReportTaskProgress"))
    runner.stop()
    assert runner.wait() == 1
    assert [body["errorId"] for body in api.bodies("SetTaskStatus")] == ["RunnerStopped"]


def test_second_signal_gives_up_at_once(api, start, long_task):
    """A second signal does not wait for the grace."""
    command, grandchild = long_task
    api.tasks.append(task(command))
    runner = start(grace=600)
    pid = grandchild()
    runner.stop(signal.SIGINT)
    wait_until(lambda: "stopping" in runner.log)
    runner.stop(signal.SIGINT)
    assert runner.wait() == 1
    assert gone(pid)
    assert [body["errorId"] for body in api.bodies("SetTaskStatus")] == ["RunnerStopped"]


def test_giving_up_without_a_coordinator(api, start, long_task):
    """A runner that gives up does not wait long for a coordinator that is away."""
    command, grandchild = long_task
    api.tasks.append(task(command))
    runner = start(grace=0)
    pid = grandchild()
    api.stop()
    runner.stop()
    assert runner.wait(20) == 1
    assert gone(pid)
    api.restart()


def test_third_signal_leaves_at_once(api, start, tmp_path):
    """A third signal ends the runner while its task still ignores TERM; nothing is left behind."""
    path = tmp_path / "pid"
    api.tasks.append(task(f"trap '' TERM; echo $$ >{path}; while :; do sleep 1; done"))
    api.answers["SetTaskStatus"] = error("InternalServiceError", 500)
    runner = start(grace=600)
    pid = int(wait_until(lambda: path.exists() and path.read_text().strip()))
    for expected in ("stopping", "giving up"):
        runner.stop()
        wait_until(lambda expected=expected: expected in runner.log)
    runner.stop()
    assert runner.wait() == 1
    wait_until(lambda: gone(pid))


def test_kill_9_leaves_nothing_behind(api, start, long_task):
    """The work of a runner that was killed does not go on beside the next holder's."""
    command, grandchild = long_task
    api.tasks.append(task(f"trap '' TERM HUP; {command}"))
    runner = start()
    pid = grandchild()
    runner.process.kill()
    wait_until(lambda: gone(pid))
