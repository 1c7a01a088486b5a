"""The runner as a library: registering handlers, and what a handler is given."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil
import pytest
import some_handlers
from waiting import wait_until

from coordinator.runner import HandlerError, Registry, TaskFailedError
from coordinator.runner.registry import load_module
from coordinator.runner.testing import make_task, run_handler


def nothing(_task, _context):
    """Do nothing."""


def gone(pid):
    """Whether a process has ended, even if nobody has collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_handler_finishes_and_reports(tmp_path):
    """A handler that returns is FINISHED, with what it reported as texts."""
    (tmp_path / "a").write_text("1\n2\n3\n")
    result = run_handler(None, make_task("CountLines", {"path": str(tmp_path / "a")}, attempt=2))
    assert (result.status, result.fields) == ("FINISHED", {"lines": "3", "attempt": "2"})


def test_an_exception_is_a_failure():
    """An exception names itself as errorId, with its message and where it came from."""
    result = run_handler(None, make_task("CountLines", {"path": "/nowhere"}))
    assert (result.status, result.error_id) == ("FAILED", "FileNotFoundError")
    assert "/nowhere" in result.message
    assert "count_lines" in result.stack_trace


@pytest.mark.parametrize("kind", ["IsThere", "IsThereApart"])
def test_a_precondition_is_not_satisfied_yet(kind, tmp_path):
    """Its handler says so, with the reason, in a thread as in a process; and FINISHED later."""
    path = tmp_path / "a"
    result = run_handler(None, make_task(kind, {"path": str(path)}))
    assert (result.status, result.error_id) == ("FALSE", "NotYet")
    assert result.message == f"There is no {path}."
    path.touch()
    assert run_handler(None, make_task(kind, {"path": str(path)})).status == "FINISHED"


def test_an_activity_cannot_be_not_yet():
    """The test helper fails an activity whose handler says so, as a runner has to."""
    result = run_handler(None, make_task("IsThereActivity", {"path": "/nowhere"}))
    assert (result.status, result.error_id) == ("FAILED", "NotAPrecondition")
    assert result.message.endswith("which only a precondition may: There is no /nowhere.")


@pytest.mark.parametrize("error_id", ["", "Service_x"])
def test_error_ids_of_handlers(error_id):
    """An errorId that the API would refuse is refused where it is made."""
    with pytest.raises(ValueError, match="errorId"):
        TaskFailedError(error_id, "message")


def test_cancel_is_cooperative(tmp_path):
    """A handler is told to stop by its event, its callback and raise_if_canceled."""
    path = tmp_path / "reason"
    result = run_handler(None, make_task("Sleepy", {"path": str(path)}), cancel_after=0.1)
    assert (result.error_id, path.read_text()) == ("Canceled", "canceled")
    assert result.reports == [{"percent-complete": "10"}]


def test_a_late_callback_is_called_at_once():
    """on_lost after the cancel calls back at once; a callback that fails harms nobody."""
    heard = []

    def late(_task, context):
        context.on_lost(lambda _: 1 / 0)
        context.canceled.wait()
        context.on_lost(heard.append)

    run_handler(late, make_task("x"), cancel_after=0.05)
    assert heard == ["canceled"]


def test_a_handler_that_does_not_end():
    """The test helper says so, after its time-out."""
    release = threading.Event()
    with pytest.raises(TimeoutError, match=r"0\.1 s"):
        run_handler(lambda *_: release.wait(), make_task("x"), timeout=0.1)
    release.set()


def test_the_task_object():
    """Fields, references, times and the checkpoint of the attempt before have names."""
    task = make_task(
        "T",
        {"input": ["A", "B", "Gone"], "stage": "TRUE"},
        {"A": {"dataFormat": "F", "filePath": "/a"}, "B": {}, "F": {"type": "CSV"}},
        previous={"rows": "7"},
        attempt=3,
    )
    first, second = task.refs("input")
    assert (first.id, second.id, task.ref("dataFormat", first).type) == ("A", "B", "CSV")
    assert (task.object("A").field("filePath"), task.object("Gone")) == ("/a", None)
    assert (task.field("nothing", "-"), task.flag("stage"), task.ref("output")) == ("-", True, None)
    assert (task.component, task.instance_id) == ("Act", "@Act_2026-01-01T00:00:00")
    assert task.scheduled_start == task.scheduled_end == datetime(2026, 1, 1, tzinfo=UTC)
    assert (task.attempt, task.fencing_token, task.previous) == (3, 3, {"rows": "7"})


def test_two_handlers_for_a_type():
    """A type has one handler; registering the same function again is no second one."""
    registry = Registry()
    registry.add("T", nothing)
    registry.add("T", nothing)
    with pytest.raises(HandlerError, match=r"'T' has a handler already: .*nothing"):
        registry.add("T", test_two_handlers_for_a_type)


def test_built_in_handlers_can_be_replaced():
    """A handler of the user's wins over ours."""
    registry = Registry()
    registry.add("ShellCommandActivity", nothing)
    assert registry.find("ShellCommandActivity").function is nothing
    assert registry.types().count("ShellCommandActivity") == 1


def test_entry_points(monkeypatch):
    """An installed package registers functions by entry points named like types."""
    point = metadata.EntryPoint("Mine", f"{__name__}:nothing", "coordinator.handlers")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point][: len(group)])
    registry = Registry()
    registry.load_entry_points()
    registry.load_entry_points()
    assert registry.find("Mine").function.__name__ == "nothing"


def test_an_entry_point_that_cannot_be_loaded(monkeypatch):
    """A broken package is named."""
    point = metadata.EntryPoint("Mine", "no.such.module:f", "coordinator.handlers")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point][: len(group)])
    with pytest.raises(HandlerError, match=r"no\.such\.module:f"):
        Registry().load_entry_points()


def test_a_module_from_the_working_directory(tmp_path, monkeypatch):
    """Modules of handlers are found where the runner was started, and a broken one is named."""
    (tmp_path / "mine_only_here.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    load_module("mine_only_here")
    (tmp_path / "broken_only_here.py").write_text("1 / 0\n")
    with pytest.raises(HandlerError, match=r"'broken_only_here'.*division"):
        load_module("broken_only_here")


def test_a_function_that_no_process_can_find():
    """Process isolation needs a function at the top of a module."""
    with pytest.raises(HandlerError, match="at the top of its module"):
        Registry().add("T", lambda *_: None, "process")


def test_a_process_of_its_own():
    """An isolated handler runs in another process, and reports through the runner."""
    result = run_handler(None, make_task("Apart"))
    assert result.status == "FINISHED"
    assert result.fields["seen"] == "True"
    assert gone(int(result.fields["pid"]))


@pytest.mark.parametrize(
    ("end", "error_id", "message", "trace"),
    [
        ("failure", "NoPaper", "There is no paper.", "drawer 2"),
        ("exception", "KeyError", "'paper'", "apart"),
        ("crash", "Signal6", "6 (SIGABRT)", ""),
        ("exit", "SystemExit", "3", ""),
        ("quit", "ExitCode0", "without a result", ""),
    ],
)
def test_failures_of_a_process(end, error_id, message, trace):
    """Failures come through as they are, and a crash is one."""
    result = run_handler(None, make_task("Apart", {"end": end}))
    assert result.error_id == error_id
    assert message in result.message
    assert trace in result.stack_trace


def test_a_process_is_told_to_stop(tmp_path):
    """An isolated handler hears of the cancel, with its reason."""
    path = tmp_path / "reason"
    fields = {"end": "stop", "path": str(path)}
    result = run_handler(None, make_task("Apart", fields), cancel_after=2)
    assert (result.error_id, path.read_text()) == ("Canceled", "canceled")


def test_a_stubborn_process_is_ended(tmp_path):
    """A process that does not listen is killed, with what it has started."""
    path = tmp_path / "pids"
    task = make_task("Apart", {"end": "stubborn", "path": str(path)})

    def call(given, context):
        context.kill_after = 0.2
        threading.Thread(
            target=lambda: (
                wait_until(lambda: path.exists() and path.read_text(), 20),
                context.cancel("canceled", 0.2),
            )
        ).start()
        some_handlers.handler.__self__.find("Apart").call(given, context)

    assert run_handler(call, task).error_id == "Canceled"
    assert all(gone(int(pid)) for pid in Path(path).read_text().split())
