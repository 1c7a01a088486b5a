"""A runner that is killed while it starts a command leaves nothing of it behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
from waiting import wait_until

# Killed between the start of the process and the moment from which its group is watched.
KILLED = """
import os, signal, sys
from coordinator.runner.guard import Guard
from coordinator.runner.plan import plan_of
from coordinator.runner.shell import ShellCommand
from coordinator.runner.task import Task

class Late(Guard):
    def watch(self, group):
        print(group, flush=True)
        sys.stdin.readline()
        os.kill(os.getpid(), signal.SIGKILL)

fields = {"command": [sys.argv[1]]}
ShellCommand(plan_of(Task("handle", "df-1", "attempt", fields)), Late(), lambda: None)
"""


def test_killed_before_the_group_is_watched(tmp_path):
    """The command has not begun by then, and does not begin any more."""
    begun = tmp_path / "begun"
    words = [sys.executable, "-c", KILLED, f"touch {begun}; sleep 600"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as runner:
        pid = int(runner.stdout.readline())
        try:
            wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_SLEEPING)
            runner.stdin.write(b"\n")
            runner.stdin.flush()
            assert runner.wait() == -signal.SIGKILL
            wait_until(lambda: not psutil.pid_exists(pid))
        finally:
            if psutil.pid_exists(pid):
                os.killpg(pid, signal.SIGKILL)
    assert not begun.exists()
