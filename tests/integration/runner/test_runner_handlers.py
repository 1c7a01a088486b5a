"""Handlers of a user's in a runner, against an API whose answers the test decides."""

from __future__ import annotations

import pytest
from runner_process import gone, results
from scripted_api import error, task
from waiting import wait_until

HANDLERS = ["some_handlers"]


def reported(api, key):
    """Every value of a field that was reported, in order."""
    return [
        field["stringValue"]
        for body in api.bodies("ReportTaskProgress")
        for field in body.get("fields", [])
        if field["key"] == key
    ]


def test_a_type_without_a_handler(api, start):
    """The task fails with NoHandler, and the message names every type that the runner knows."""
    api.tasks.append(task(None, type="PigActivity"))
    start(handlers=HANDLERS)
    wait_until(lambda: results(api))
    (result,) = api.bodies("SetTaskStatus")
    assert (result["taskStatus"], result["errorId"]) == ("FAILED", "NoHandler")
    assert "'PigActivity'; it knows Apart, Chatty, " in result["errorMessage"]
    assert "ShellCommandActivity" in result["errorMessage"]


def test_what_a_handler_reported_comes_before_its_result(api, start, tmp_path):
    """Fields are on the wire before the status, although the handler ends at once."""
    (tmp_path / "a").write_text("1\n2\n")
    api.tasks.append(task(None, type="CountLines", path=str(tmp_path / "a"), __reportWithin="60"))
    start(handlers=HANDLERS)
    wait_until(lambda: results(api) == {"handle-1": "FINISHED"})
    assert reported(api, "lines") == ["2"]


@pytest.mark.parametrize("kind", ["IsThere", "IsThereApart"])
def test_a_precondition_that_is_checked_again(api, start, tmp_path, kind):
    """FALSE goes out with the reason as often as it is so, then FINISHED."""
    path = tmp_path / "a"
    runner = start(handlers=HANDLERS)
    for number in (1, 2):
        api.tasks.append(task(None, number, type=kind, path=str(path), node="Act"))
        wait_until(lambda number=number: f"handle-{number}" in results(api))
    path.touch()
    api.tasks.append(task(None, 3, type=kind, path=str(path), node="Act"))
    wait_until(lambda: "handle-3" in results(api))
    answer = {"taskStatus": "FALSE", "errorId": "NotYet", "errorMessage": f"There is no {path}."}
    assert api.bodies("SetTaskStatus") == [
        {"taskId": "handle-1", **answer},
        {"taskId": "handle-2", **answer},
        {"taskId": "handle-3", "taskStatus": "FINISHED"},
    ]
    assert f"s: There is no {path}." in runner.log


def test_false_outlives_an_outage(api, start):
    """An answer of FALSE that did not get through is given again, not made a failure."""
    answers = [error("InternalServiceError", 500)] * 2
    api.answers["SetTaskStatus"] = lambda _: answers.pop() if answers else {}
    api.tasks.append(task(None, type="IsThere", path="/nowhere", node="Act"))
    start(handlers=HANDLERS)
    wait_until(lambda: len(api.bodies("SetTaskStatus")) == 3)
    assert {body["taskStatus"] for body in api.bodies("SetTaskStatus")} == {"FALSE"}


def test_false_for_an_activity(api, start):
    """Where the coordinator refuses FALSE the task has failed, with the reason; it is not lost."""
    api.answers["SetTaskStatus"] = lambda body: (
        error("InvalidRequestException") if body["taskStatus"] == "FALSE" else {}
    )
    api.tasks.append(task(None, type="IsThereActivity", path="/nowhere"))
    runner = start(handlers=HANDLERS)
    wait_until(lambda: results(api) == {"handle-1": "FAILED"})
    result = api.bodies("SetTaskStatus")[-1]
    assert result["errorId"] == "NotAPrecondition"
    assert "only a precondition may: There is no /nowhere." in result["errorMessage"]
    assert "its status FALSE was not taken" in runner.log


def test_false_for_a_task_that_was_taken_away(api, start):
    """A lease that was lost meanwhile is nobody's failure."""
    api.answers["SetTaskStatus"] = lambda body: (
        error("TaskNotFoundException") if body["taskId"] == "handle-1" else {}
    )
    api.tasks += [task(None, type="IsThere", path="/nowhere", node="Act"), task("true", 2)]
    start(handlers=HANDLERS)
    wait_until(lambda: results(api) == {"handle-1": "FALSE", "handle-2": "FINISHED"})


def test_many_reports_are_few_calls(api, start):
    """Thousands of reports are put together: the last value of each goes out."""
    api.tasks.append(task(None, type="Chatty", __reportWithin="60"))
    start(handlers=HANDLERS)
    wait_until(lambda: results(api) == {"handle-1": "FINISHED"})
    assert reported(api, "done")[-1] == "4999"
    assert len(api.bodies("ReportTaskProgress")) <= 4


def test_refused_fields_do_not_cost_the_lease(api, start):
    """Fields that the coordinator refuses are dropped with a warning, and the work goes on."""
    api.answers["ReportTaskProgress"] = lambda body: (
        error("InvalidRequestException")
        if any(field["key"] == "bad" for field in body.get("fields", []))
        else {"canceled": False}
    )
    api.tasks.append(task(None, type="Chatty", key=["bad", "good"]))
    runner = start(handlers=HANDLERS)
    wait_until(lambda: results(api) == {"handle-1": "FINISHED"})
    assert "its fields were not taken" in runner.log
    assert reported(api, "good")


def test_fields_outlive_an_outage(api, start):
    """Fields whose report failed go out with the next one."""
    answers = [error("InternalServiceError", 500)] * 2
    api.answers["ReportTaskProgress"] = lambda body: (
        answers.pop() if body.get("fields") and answers else {"canceled": False}
    )
    api.tasks.append(task(None, type="Chatty", key=["first", "second"]))
    start(handlers=HANDLERS)
    wait_until(lambda: results(api) == {"handle-1": "FINISHED"})
    assert not answers
    assert reported(api, "first").count("x") >= 2
    assert reported(api, "second")


@pytest.mark.parametrize("answer", [{"canceled": True}, error("TaskNotFoundException")], ids=str)
@pytest.mark.parametrize("kind", ["Sleepy", "Apart"])
def test_a_handler_is_told_of_a_loss(api, start, tmp_path, answer, kind):
    """Canceled or lost: the handler hears why, no status is set, the next task is taken."""
    path = tmp_path / "reason"
    api.tasks.append(task(None, type=kind, path=str(path), end="stop"))
    runner = start(handlers=HANDLERS)
    wait_until(lambda: any(reported(api, key) for key in ("percent-complete", "pid")))
    wait_until(lambda: kind == "Sleepy" or path.exists())
    api.answers["ReportTaskProgress"] = lambda body: (
        answer if body["taskId"] == "handle-1" else {"canceled": False}
    )
    expected = "canceled" if answer == {"canceled": True} else "lost"
    wait_until(lambda: path.exists() and expected in path.read_text())
    api.tasks.append(task("true", 2))
    wait_until(lambda: results(api) == {"handle-2": "FINISHED"}, 15)
    assert runner.process.poll() is None


@pytest.mark.parametrize("kind", ["Sleepy", "Apart"])
def test_the_grace_runs_out_for_a_handler(api, start, tmp_path, kind):
    """A handler that outlasts the grace is told to stop, and its task is handed back as FAILED."""
    path = tmp_path / "reason"
    api.tasks.append(task(None, type=kind, path=str(path), end="stop"))
    runner = start(handlers=HANDLERS, grace=0.2)
    wait_until(lambda: any(reported(api, key) for key in ("percent-complete", "pid")))
    wait_until(lambda: kind == "Sleepy" or path.exists())
    runner.stop()
    assert runner.wait() == 1
    assert [body["errorId"] for body in api.bodies("SetTaskStatus")] == ["RunnerStopped"]
    assert "the runner stops" in path.read_text()


def test_a_handler_that_goes_on_is_not_offered_to_others_at_once(api, start):
    """Its errorId is another one than that of work which has ended, so that retryDelay counts."""
    api.tasks.append(task(None, type="Deaf"))
    runner = start(handlers=HANDLERS, grace=0.2)
    wait_until(lambda: reported(api, "percent-complete"))
    runner.stop()
    assert runner.wait() == 1
    assert [body["errorId"] for body in api.bodies("SetTaskStatus")] == ["HandlerNotEnded"]


def test_kill_9_of_the_runner_ends_an_isolated_handler(api, start, tmp_path):
    """A handler's process, and what it started, die with the runner."""
    path = tmp_path / "pids"
    api.tasks.append(task(None, type="Apart", path=str(path), end="stubborn"))
    runner = start(handlers=HANDLERS)
    pids = wait_until(lambda: path.exists() and path.read_text().split())
    runner.process.kill()
    wait_until(lambda: all(gone(int(pid)) for pid in pids))


def test_a_module_that_cannot_be_imported(start):
    """The runner does not start, and names the module."""
    runner = start(handlers=["no_such_module"])
    assert runner.wait() == 2
    assert "'no_such_module'" in runner.log
    assert "Traceback" not in runner.log
