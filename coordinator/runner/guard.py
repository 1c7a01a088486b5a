"""A small process that ends the tasks' process groups if the runner dies, however it dies.

A runner killed with ``kill -9`` can do nothing any more, and its lease will lapse: whatever it left
running would then work side by side with the next holder. The kernel's PR_SET_PDEATHSIG would end
the shell only, not what the shell started. What leaves its process group (``setsid``) is out of
reach.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

logger = logging.getLogger(__name__)

PROGRAM = Path(__file__).with_name("guard_process.py")


class Guard:
    """Knows the groups of the running tasks; its process reads them from a pipe that we hold."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._process = _start()

    def watch(self, group: int) -> None:
        """End `group` if the runner dies."""
        with self._lock:
            self._groups.add(group)
            self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """Leave `group` alone: it has ended, and its number may be used again."""
        with self._lock:
            self._groups.discard(group)
            self._tell(f"-{group}")

    def close(self) -> None:
        """End the process, and with it every group that is still watched."""
        with self._lock:
            self._closed = True
            self._process.communicate()

    def _tell(self, line: str) -> None:
        if self._closed:
            return
        try:
            self._write(line)
        except OSError:
            logger.warning("the guard process is gone: starting another")
            self._replace()

    def _replace(self) -> None:
        """Start another one; a task goes on even if there is none to be had."""
        try:
            self._process.communicate()
            self._process = _start()
            for group in self._groups:
                self._write(f"+{group}")
        except OSError as error:
            logger.warning("no guard process: %s", error)

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
        self._process.stdin.write(f"{line}\n".encode())


def _start() -> subprocess.Popen[bytes]:
    """Start it in a session of its own, out of the way of signals to the runner's group."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", str(PROGRAM)],
        stdin=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
