"""The runner's small parts that need no process and no server."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from scripted_api import task as wire_task

from coordinator.runner import task as tasks
from coordinator.runner.durations import seconds_of
from coordinator.runner.identity import new_identity
from coordinator.runner.outcome import Outcome, of_exit
from coordinator.runner.pauses import BackOff, Outage

START = """
import sys
if sys.argv[1] == "no boto3":
    sys.modules["boto3"] = None
from coordinator.runner.app import RunnerOptions, run
sys.exit(run(RunnerOptions(endpoint=sys.argv[2], worker_group="g")))
"""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15 minutes", 900),
        ("1 Minute", 60),
        ("2 HOURS", 7200),
        ("1 day", 86400),
        ("2weeks", 1209600),
        (" 30 seconds ", 30),
        ("0.5 seconds", 0.5),
        ("0 minutes", None),
        ("", None),
        ("minutes", None),
        ("5", None),
        ("-5 minutes", None),
        ("5 minutes 3", None),
        ("3 fortnights", None),
    ],
)
def test_durations(text, seconds):
    """A duration is a number and a unit; anything else is none."""
    assert seconds_of(text) == seconds


def _task(**fields):
    return tasks.from_wire({"taskObject": wire_task("true", **fields)})


@pytest.mark.parametrize(
    ("fields", "pace"),
    [
        ({"__reportWithin": "7.5"}, 7.5),
        ({"__reportWithin": None}, 60),
        ({"__reportWithin": None, "reportProgressTimeout": "1 minute"}, 20),
        ({"__reportWithin": "soon"}, 60),
        ({"__reportWithin": "nan"}, 60),
        ({"__reportWithin": "-1"}, 60),
        ({"__reportWithin": "0.0001"}, 0.05),
        ({"__reportWithin": "inf"}, 60),
        ({"__reportWithin": None, "__reportTimeout": "30"}, 10),
        ({"__reportWithin": "90", "reportProgressTimeout": "1 minute"}, 30),
    ],
)
def test_pace(fields, pace):
    """Reports come as the object asks, or often enough for the lease; never slower than that."""
    assert _task(**fields).pace_seconds == pace


@pytest.mark.parametrize(("text", "seconds"), [("5 minutes", 300), (None, 900), ("whenever", 900)])
def test_lease_length(text, seconds):
    """The lease is as long as the object's reportProgressTimeout, or 15 minutes."""
    assert _task(reportProgressTimeout=text).lease_seconds == seconds


@pytest.mark.parametrize("answer", [{}, {"taskObject": None}, {"taskObject": {}}])
def test_no_task(answer):
    """Every form of an empty answer is no task."""
    assert tasks.from_wire(answer) is None


def test_task_from_the_wire():
    """Handle, ids, texts and references arrive; a field that repeats keeps its order."""
    wire = wire_task("true", scriptArgument=["a", "b"])
    fields = wire["objects"][wire["attemptId"]]["fields"]
    fields.append({"key": "@componentParent", "refValue": "Act"})
    task = tasks.from_wire({"taskObject": wire})
    assert (task.handle, task.pipeline_id, task.attempt_id, task.type) == (
        "handle-1",
        "df-1",
        wire["attemptId"],
        "ShellCommandActivity",
    )
    assert task.all("scriptArgument") == ["a", "b"]
    assert task.first("@componentParent") == "Act"
    assert task.first("nothing") is None


def test_task_without_its_object():
    """A task whose object is missing has no type, which its handling reports."""
    assert tasks.from_wire({"taskObject": {"taskId": "h", "attemptId": "a"}}).type == ""


def test_identity_is_new_each_time():
    """Two identities of one name differ and keep it readable."""
    first, second = new_identity("east-1"), new_identity("east-1")
    assert first != second
    assert first.startswith("east-1-")
    assert len(new_identity("x" * 5000)) < 1024


def test_unnamed_signal():
    """A signal without a name is told by its number."""
    assert of_exit(-40, "").message == "The command was ended by signal 40."


def test_no_error_id_is_reserved():
    """No errorId of ours begins with the prefix that the API keeps for itself."""
    outcomes = [of_exit(1, ""), of_exit(-9, ""), Outcome("CannotStart"), Outcome("NoHandler")]
    assert not [outcome for outcome in outcomes if outcome.error_id.startswith("Service_")]


def test_outage_is_logged_once(caplog):
    """An outage has one line at its start and one at its end."""
    caplog.set_level(logging.INFO)
    outage = Outage("polls")
    for _ in range(2):
        outage.succeeded()
        outage.failed(OSError("first"))
        outage.failed(OSError("second"))
        outage.succeeded()
    assert [record.getMessage() for record in caplog.records] == 2 * [
        "polls: failing, will go on trying: first",
        "polls: recovered",
    ]


def test_pauses_grow_to_a_limit():
    """Pauses double up to the longest, with at most half of each taken off by chance."""
    back_off = BackOff(first=1, longest=4)
    for full in (1, 2, 4, 4):
        assert full / 2 <= back_off.pause() <= full
    back_off.reset()
    assert back_off.pause() <= 1


@pytest.mark.parametrize(
    ("boto3", "endpoint", "sentence"),
    [
        ("no boto3", "http://127.0.0.1:1", "pip install 'lease-coordinator[runner]'"),
        ("boto3", "not a url", "not a url"),
    ],
)
def test_what_cannot_start(boto3, endpoint, sentence):
    """Without boto3, or with an endpoint that is none, the runner says so and ends with 2."""
    result = subprocess.run(
        [sys.executable, "-c", START, boto3, endpoint],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
