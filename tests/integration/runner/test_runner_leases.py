"""What a runner does with a task, against an API whose answers the test decides."""

from __future__ import annotations

import itertools
import time

import pytest
from runner_process import gone, results
from scripted_api import error, task
from waiting import wait_until

LOST = ["TaskNotFoundException", "PipelineNotFoundException", "PipelineDeletedException"]


def test_a_task_from_poll_to_result(api, start):
    """A task is acknowledged, reported for at its pace, and finished; the identity is one."""
    api.tasks.append(task("sleep 2"))
    start(runner_id="east-1")
    wait_until(lambda: results(api) == {"handle-1": "FINISHED"}, 20)
    names = [name for name, _, _ in api.calls]
    assert names.index("ReportTaskProgress") < names.index("SetTaskStatus")
    times = api.times("ReportTaskProgress")
    assert 5 <= len(times) <= (times[-1] - times[0]) / 0.1 + 4
    assert api.bodies("ReportTaskProgress")[0] == {"taskId": "handle-1"}
    identity = api.bodies("PollForTask")[0]["hostname"]
    assert identity.startswith("east-1-")
    assert api.bodies("PollForTask")[0]["workerGroup"] == "etl"
    assert api.bodies("ReportTaskRunnerHeartbeat") == [
        {"taskrunnerId": identity, "workerGroup": "etl", "hostname": identity}
    ]


def test_nothing_is_reported_after_the_result(api, start):
    """The reports end with the task, while the runner goes on with the next."""
    api.tasks += [task("true", 1), task("sleep 0.5", 2)]
    start()
    wait_until(lambda: len(results(api)) == 2)
    after = [body["taskId"] for name, body, _ in api.calls if name == "ReportTaskProgress"]
    assert after[-1] == "handle-2"
    assert after == sorted(after)


@pytest.mark.parametrize("credentials", [False, True])
def test_signatures(api, start, credentials):
    """Requests are signed with the environment's credentials, and not at all without."""
    key = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    start(key if credentials else {}, region="eu-west-1")
    wait_until(lambda: api.bodies("PollForTask"))
    signature = api.headers[0].get("Authorization", "")
    assert ("AKIDEXAMPLE" in signature and "/eu-west-1/datapipeline/" in signature) == credentials
    assert bool(signature) == credentials


def test_a_profile_signs_instead_of_the_environment(api, start, tmp_path):
    """So that handlers may use AWS, or another service, by the environment's key."""
    keys = tmp_path / "keys"
    keys.write_text("[lease]\naws_access_key_id = OURS\naws_secret_access_key = secret\n")
    other = {"AWS_ACCESS_KEY_ID": "THEIRS", "AWS_SECRET_ACCESS_KEY": "secret"}
    start(other | {"AWS_SHARED_CREDENTIALS_FILE": str(keys)}, profile="lease")
    wait_until(lambda: api.bodies("PollForTask"))
    assert "Credential=OURS/" in api.headers[0]["Authorization"]


def test_failures(api, start):
    """A failed command, one that cannot start, and an unknown type are reported as FAILED."""
    api.tasks += [
        task("echo oops >&2; exit 4", 1),
        task("true", 2, stdout="hdfs://host/out"),
        task("true", 3, type="PigActivity"),
    ]
    start()
    wait_until(lambda: len(results(api)) == 3)
    first, second, third = api.bodies("SetTaskStatus")
    assert first == {
        "taskId": "handle-1",
        "taskStatus": "FAILED",
        "errorId": "ExitCode4",
        "errorMessage": "The command ended with exit code 4.",
        "errorStackTrace": "oops\n",
    }
    assert (second["taskStatus"], second["errorId"]) == ("FAILED", "CannotStart")
    assert (third["taskStatus"], third["errorId"]) == ("FAILED", "NoHandler")
    assert "'PigActivity'; it knows " in third["errorMessage"]


@pytest.mark.parametrize("answer", [{"canceled": True}, *map(error, LOST)], ids=str)
def test_task_taken_away(api, start, long_task, answer):
    """Canceled or lost: the whole group is ended, no status is set, the next task is taken."""
    command, grandchild = long_task
    api.tasks.append(task(command))
    runner = start()
    pid = grandchild()
    api.answers["ReportTaskProgress"] = lambda body: (
        answer if body["taskId"] == "handle-1" else {"canceled": False}
    )
    wait_until(lambda: gone(pid))
    api.tasks.append(task("true", 2))
    wait_until(lambda: results(api) == {"handle-2": "FINISHED"}, 15)
    assert ("canceled" if answer == {"canceled": True} else "lost") in runner.log


def test_work_starts_when_acknowledged(api, start, tmp_path):
    """A task that is canceled before the first report was taken is never begun."""
    api.answers["ReportTaskProgress"] = {"canceled": True}
    api.tasks.append(task(f"touch {tmp_path}/begun"))
    runner = start()
    wait_until(lambda: "not begun" in runner.log)
    wait_until(lambda: len(api.bodies("PollForTask")) > 1)
    assert not (tmp_path / "begun").exists()
    assert not results(api)


def test_coordinator_away_for_a_while(api, start, tmp_path):
    """An outage shorter than the lease does not touch the work; it is logged once, with its end."""
    api.tasks.append(
        task(
            f"touch {tmp_path}/begun; while [ ! -e {tmp_path}/end ]; do sleep 0.05; done",
            reportProgressTimeout="30 seconds",
        )
    )
    runner = start()
    wait_until((tmp_path / "begun").exists)
    api.stop()
    wait_until(lambda: "reports of @Act_2026-01-01T00:00:01_Attempt=1: failing" in runner.log)
    (tmp_path / "end").touch()
    wait_until(lambda: "status of @Act_2026-01-01T00:00:01_Attempt=1: failing" in runner.log)
    api.restart()
    wait_until(lambda: results(api) == {"handle-1": "FINISHED"}, 20)
    api.tasks.append(task("true", 2))
    wait_until(lambda: "handle-2" in results(api), 20)
    assert runner.log.count("reports of @Act_2026-01-01T00:00:01_Attempt=1: failing") == 1


def test_coordinator_away_for_longer_than_the_lease(api, start, long_task):
    """Work is stopped when the lease must be over, not before, and no status is set later."""
    command, grandchild = long_task
    api.tasks.append(task(command, reportProgressTimeout="4 seconds"))
    runner = start()
    pid = grandchild()
    api.stop()
    last_report = api.times("ReportTaskProgress")[-1]
    wait_until(lambda: "lost, as its lease is over" in runner.log, 20)
    assert 2.5 < time.monotonic() - last_report < 12
    wait_until(lambda: gone(pid))
    api.restart()
    api.tasks.append(task("true", 2))
    wait_until(lambda: results(api) == {"handle-2": "FINISHED"}, 20)


def test_coordinator_that_does_not_answer(api, start, long_task):
    """A report that hangs does not keep the work going past the lease."""
    command, grandchild = long_task
    api.tasks.append(task(command, reportProgressTimeout="2 seconds"))
    runner = start()
    pid = grandchild()
    api.answers["ReportTaskProgress"] = lambda _: time.sleep(30)
    wait_until(lambda: gone(pid), 15)
    wait_until(lambda: "lost, as its lease is over" in runner.log)


def test_polls_that_fail(api, start):
    """Failing polls are logged once with the reason, and so is the recovery."""
    api.answers["PollForTask"] = error("ThrottlingException")
    runner = start()
    wait_until(lambda: len(api.bodies("PollForTask")) >= 6, 20)
    api.answers["PollForTask"] = {}
    wait_until(lambda: "polls: recovered" in runner.log, 20)
    assert runner.log.count("polls: failing") == 1
    assert "ThrottlingException" in runner.log


def test_empty_polls_do_not_spin(api, start):
    """A coordinator that does not hold polls is asked a few times a second."""
    api.answers["PollForTask"] = {}
    start()
    wait_until(lambda: len(api.times("PollForTask")) >= 6)
    times = api.times("PollForTask")
    assert times[5] - times[0] > 0.5


def test_a_poll_is_repeated_under_its_id(api, start):
    """A poll whose answer was lost is repeated with the same invocation id, as a repeat."""
    api.answers["PollForTask"] = None
    start()
    wait_until(lambda: len(api.bodies("PollForTask")) >= 2)
    polls = [h for h in api.headers if h["X-Amz-Target"] == "DataPipeline.PollForTask"]
    assert polls[0]["amz-sdk-invocation-id"] == polls[1]["amz-sdk-invocation-id"]
    assert "attempt=2" in polls[1]["amz-sdk-request"]


def test_status_is_repeated(api, start):
    """A result is told again and again until the coordinator takes it."""
    answers = [error("InternalServiceError", 500), (502, {}), None, {}]
    api.answers["SetTaskStatus"] = lambda _: answers.pop(0)
    api.tasks.append(task("true"))
    runner = start()
    wait_until(lambda: not answers, 20)
    wait_until(lambda: "finished after" in runner.log)
    assert len(api.bodies("SetTaskStatus")) == 4


@pytest.mark.parametrize("code", [LOST[0], "InvalidRequestException"])
def test_status_that_is_not_taken(api, start, code):
    """A refused result is not repeated: the runner logs it and goes on."""
    api.answers["SetTaskStatus"] = error(code)
    api.tasks += [task("true", 1), task("true", 2)]
    runner = start()
    wait_until(lambda: runner.log.count("was not taken") == 2)
    assert len(api.bodies("SetTaskStatus")) == 2


def test_several_tasks_at_once(api, start, tmp_path):
    """As many tasks run at the same time as were asked for, and no more."""
    command = f"echo x >>{tmp_path}/begun; while [ ! -e {tmp_path}/end ]; do sleep 0.05; done"
    api.tasks += [task(command, number) for number in range(1, 6)]
    start(tasks=3)
    wait_until(lambda: len({body["taskId"] for body in api.bodies("ReportTaskProgress")}) == 3)
    begun = tmp_path / "begun"
    wait_until(lambda: begun.exists() and begun.read_text().count("x") == 3)
    assert len(api.tasks) == 2
    (tmp_path / "end").touch()
    wait_until(lambda: len(results(api)) == 5, 20)


@pytest.mark.measure
def test_reports_are_not_starved_by_the_task(api, start):
    """A task that uses the processor all the time, with much output, does not delay reports."""
    busy = "t=$(($(date +%s) + 3)); while [ $(date +%s) -lt $t ]; do echo busy >&2; done"
    api.tasks.append(task(busy))
    start()
    wait_until(lambda: results(api) == {"handle-1": "FINISHED"}, 20)
    times = api.times("ReportTaskProgress")
    assert max(b - a for a, b in itertools.pairwise(times)) < 1
