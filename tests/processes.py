"""Commands of `coordinator` that go on until they are ended."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
from replicas import environment
from servers import _die_with_parent

END_SECONDS = 20


class CommandProcess:
    """A running command; what it writes goes to the file `log`, `more` is its environment's."""

    def __init__(self, log, arguments, settings, more=None):
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "coordinator.cli", *arguments],
                env={**environment(settings), **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
            )

    @property
    def log(self):
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def running(self):
        """Whether it has not ended."""
        return self._process.poll() is None

    def end(self, number=signal.SIGKILL):
        """Send it a signal and return its exit code."""
        self._process.send_signal(number)
        return self._process.wait(END_SECONDS)

    def close(self):
        """Kill it if it runs."""
        if self.running():
            self.end()


def with_argument(text):
    """Return the processes that have a text in their command line."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        arguments = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(text in a for a in arguments):
            found.append(process)
    return found
