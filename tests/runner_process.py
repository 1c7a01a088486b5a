"""Runners as processes, and what a test asks about their work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil

PROGRAM = """
import json, sys
from coordinator.runner.app import RunnerOptions, run
sys.exit(run(RunnerOptions(**json.loads(sys.argv[1]))))
"""


class RunnerProcess:
    """A runner's process; its log goes to a file."""

    def __init__(self, api, log, environment, options):
        self._log = log
        given = {"endpoint": api.url, "worker_group": "etl", "tasks": 1, **options}
        clean = {name: value for name, value in os.environ.items() if "AWS_" not in name}
        clean["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)  # some_handlers
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, json.dumps(given)],
                stderr=stderr,
                env={**clean, **environment},
            )

    @property
    def log(self):
        """What it has logged."""
        return self._log.read_text()

    def stop(self, number=signal.SIGTERM):
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, timeout=15):
        """Wait for its end and return the exit code."""
        return self.process.wait(timeout)


def gone(pid):
    """Whether a process has ended, even if nobody has collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def results(api):
    """The statuses that were set, by handle."""
    return {body["taskId"]: body["taskStatus"] for body in api.bodies("SetTaskStatus")}
