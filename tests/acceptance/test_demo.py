"""`coordinator demo` as a process: what it prints, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

COORDINATOR = str(Path(sys.executable).with_name("coordinator"))
MARK = "DEMO_OF_TEST"
RUNNERS_STARTED = "runners A"


class Demo:
    """A running demo; every process that it starts inherits a mark in its environment."""

    def __init__(self, folder):
        self._mark = uuid.uuid4().hex
        self.folder = folder / "tmp"
        self.folder.mkdir()
        self._output = folder / "output"
        clean = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "TTY_COMPATIBLE"}}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [COORDINATOR, "demo", "--modules", "40"],
                env={**clean, MARK: self._mark, "TMPDIR": str(self.folder)},
                stdout=output,
                stderr=output,
            )

    @property
    def output(self):
        """What it has printed."""
        return self._output.read_text()

    def wait(self):
        """Wait for its end and return the exit code."""
        return self.process.wait(100)

    def left(self):
        """The processes of the demo that still run."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process):
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and process.environ().get(MARK) == self._mark
        except psutil.Error:
            return False


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A demo that has come to its end."""
    with running(tmp_path_factory.mktemp("demo")) as demo:
        assert demo.wait() == 0, demo.output
        yield demo


@pytest.fixture
def demo(tmp_path):
    """A demo whose runners have just been started."""
    with running(tmp_path) as demo:
        wait_until(lambda: RUNNERS_STARTED in demo.output, 60)
        yield demo


@contextmanager
def running(folder):
    """Start a demo; whatever is left of it in the end is killed."""
    demo = Demo(folder)
    try:
        yield demo
    finally:
        for process in demo.left():
            process.kill()
        demo.process.wait()


def cells(output):
    """The rows of the tables, as tuples of words."""
    return [tuple(line.split()) for line in output.splitlines()]


def test_result(finished):
    """It ends with 0, and the pipeline's total, in the table too, is what one process counted."""
    total = next(row for row in cells(finished.output) if row[:2] == ("all", "40"))
    sentence = f"The pipeline counted {total[3]} lines and {total[4]} functions. So did one"
    assert sentence in finished.output


def test_lost_leases(finished):
    """The tasks of the killed runner went to others, and the tables say so."""
    found = re.search(
        r"runner ([ABC]) .* killed with kill -9 while it held ([^:]+)", finished.output
    )
    runner, tasks = found[1], found[2].split(" and ")
    lost = {row[0]: row for row in cells(finished.output) if row[1:2] + row[-1:] == (runner, "s")}
    assert set(lost) == set(tasks)
    assert all(row[3] in {"A", "B", "C"} - {runner} for row in lost.values())


def test_nothing_left(finished):
    """No process is left in the end, and no file."""
    assert not finished.left()
    assert not list(finished.folder.iterdir())


def test_plain_output(finished):
    """Away from a terminal it prints no control codes, and a line for each milestone."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", finished.output)
    milestones = (
        "activated",
        "41 of 41 done",
        "replica 1 .* killed with kill -9",
        "handed out again to",
        "all tasks done",
    )
    for milestone in milestones:
        assert re.search(milestone, finished.output), milestone


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(demo, number):
    """Interrupted in the middle of the work it stops every process and removes its files."""
    demo.process.send_signal(number)
    assert demo.wait() == 130
    assert "Interrupted" in demo.output
    assert not demo.left()
    assert not list(demo.folder.iterdir())


def test_killed(demo):
    """Killed with SIGKILL it still leaves no process behind."""
    demo.process.kill()
    demo.process.wait()
    wait_until(lambda: not demo.left(), 20)


def test_a_process_that_fails(demo):
    """When something that nobody meant to kill ends, it says so and exits 1."""
    runner = re.search(r"runners A \(pid (\d+)\)", demo.output)[1]
    os.kill(int(runner), signal.SIGKILL)
    assert demo.wait() == 1
    assert "runner A ended with exit code -9" in demo.output
    wait_until(lambda: not demo.left(), 20)
