"""The two passes of `make test`: every test is in one of them, and a failure in either counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ports import PORTS, worker_ports

TESTS = Path(__file__).parents[1]
SOME = """
import pathlib, pytest
def note(name):
    with pathlib.Path(__file__).with_name("ran").open("a") as ran:
        ran.write(name + " ")
def test_plain():
    note("plain")
@pytest.mark.measure
def test_measuring():
    note("measuring")
@pytest.mark.parametrize("case", ["one", pytest.param("two", marks=pytest.mark.measure)])
def test_cases(case):
    note(case)
"""
BAD = "\ndef test_bad(): assert False\n"


def code_of(path, source, *arguments):
    """Run the passes over a file with this text; return the exit code."""
    path.write_text(source)
    own = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    options = ["-c", "pyproject.toml", "-p", "conftest", "-p", "no:cacheprovider"]
    command = [sys.executable, str(TESTS / "run_passes.py"), *options, *arguments, str(path)]
    return subprocess.run(
        command,
        cwd=TESTS.parent,
        env=own | {"PYTHONPATH": str(TESTS)},
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=100,
    ).returncode


def test_every_test_runs_once(tmp_path):
    """What one pass leaves out is what the other runs."""
    assert code_of(tmp_path / "test_some.py", SOME) == 0
    assert sorted((tmp_path / "ran").read_text().split()) == ["measuring", "one", "plain", "two"]


@pytest.mark.parametrize("mark", ["", "\n@pytest.mark.measure"])
def test_a_failure_in_either_pass_counts(tmp_path, mark):
    """Although the other tests of both passes are good."""
    code = code_of(tmp_path / "test_some.py", SOME + mark + BAD, "-n0")
    assert code == pytest.ExitCode.TESTS_FAILED


def test_nothing_to_run_is_a_failure(tmp_path):
    """A selection without tests is no success."""
    code = code_of(tmp_path / "test_some.py", SOME, "-n0", "-k", "zzz")
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED


def test_workers_share_no_ports(monkeypatch):
    """Each takes the ports of its servers from a range of its own."""
    ranges = []
    for number in range(3):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
        ranges.append(worker_ports())
    assert len(set().union(*ranges)) == sum(map(len, ranges))
    assert min(map(len, ranges)) > 1000
    assert set().union(*ranges) <= set(PORTS)
