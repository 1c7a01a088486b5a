"""A scripted API, and runners that talk to it."""

from __future__ import annotations

import pytest
from runner_process import RunnerProcess
from scripted_api import ScriptedApi
from waiting import wait_until


@pytest.fixture
def api():
    """The scripted API."""
    api = ScriptedApi()
    yield api
    api.stop()


@pytest.fixture
def start(api, tmp_path):
    """Start runners; they are killed with the test."""
    runners = []

    def start(environment=None, **options):
        log = tmp_path / f"runner-{len(runners)}.log"
        runners.append(RunnerProcess(api, log, environment or {}, options))
        return runners[-1]

    yield start
    for runner in runners:
        runner.process.kill()
        runner.wait()


@pytest.fixture
def long_task(tmp_path):
    """A command that runs for minutes with a grandchild, and how to learn the grandchild's pid."""
    path = tmp_path / "grandchild"

    def pid():
        return int(wait_until(lambda: path.exists() and path.read_text().strip()))

    return f"sleep 600 & echo $! >{path}; echo working >&2; wait", pid
