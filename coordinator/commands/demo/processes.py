"""The demo's processes: started, killed on purpose, and all stopped in the end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import psutil

from coordinator.commands.demo.errors import DemoError
from coordinator.commands.demo.signals import ignore_signals
from coordinator.embedded.child import LAUNCHER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COORDINATOR = [sys.executable, "-P", "-m", "coordinator.cli"]
START_WITHIN = 30.0
STOP_WITHIN = 5.0
LOOK_EVERY = 0.05
LOG_END_LINES = 8


class Process:
    """A process of ours in a session of its own, so that a Ctrl-C of the terminal misses it."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        self._offspring: list[psutil.Process] = []
        self._was_killed = False
        with log.open("wb") as output:
            self._popen = subprocess.Popen(  # noqa: S603 - a command of ours
                [*_bound_to_parent(), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        return self._popen.poll() is None

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the process has logged what matches `pattern`; return the match.

        Raises:
            DemoError: it ended, or said nothing of the kind in time.
        """
        deadline = time.monotonic() + START_WITHIN
        while not (found := re.search(pattern, self._text())):
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(f"{self.name} did not start within {START_WITHIN:.0f} s.")
            time.sleep(LOOK_EVERY)
        return found

    def check(self) -> None:
        """Raise a DemoError if the process ended though nobody killed it."""
        code = self._popen.poll()
        if code and not self._was_killed:
            raise DemoError(f"{self.name} ended with exit code {code}.\n{self.last_words()}")

    def last_words(self) -> str:
        """Return the end of its log."""
        lines = self._text().splitlines()[-LOG_END_LINES:]
        return "\n".join([f"{self.name} said last:", *lines])

    def ended(self) -> bool:
        """Whether the process has come to a good end by itself."""
        self.check()
        return self._popen.poll() == 0

    def be_nice(self) -> None:
        """Let the others go first on the processor."""
        with suppress(psutil.Error):
            psutil.Process(self.pid).nice(19)

    def kill(self) -> None:
        """End the process with SIGKILL, as a crash would."""
        self._note_offspring()
        self._was_killed = True
        self._popen.kill()
        self._popen.wait()

    def terminate(self) -> None:
        """Ask the process to end."""
        self._note_offspring()
        self._was_killed = True
        self._popen.terminate()

    def gone(self) -> None:
        """Return when the process and all that it started are gone, by force if need be."""
        try:
            self._popen.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
        _, left = psutil.wait_procs(self._offspring, timeout=STOP_WITHIN)
        for process in left:
            with suppress(psutil.Error):
                process.kill()

    def _note_offspring(self) -> None:
        if not self.lives:  # its number may be somebody else's by now
            return
        with suppress(psutil.Error):
            self._offspring += psutil.Process(self.pid).children(recursive=True)

    def _text(self) -> str:
        return self._log.read_text(errors="replace")


class Processes:
    """All of them; leaving the context stops those that still run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        ignore_signals()
        for process in self._all:
            process.terminate()
        for process in self._all:
            process.gone()

    def start(self, name: str, command: Sequence[str]) -> Process:
        """Start one; its log goes to a file."""
        process = Process(name, command, self._folder / f"{name.replace(' ', '-')}.log")
        self._all.append(process)
        return process

    def check(self) -> None:
        """Raise a DemoError if one of them ended though nobody killed it."""
        for process in self._all:
            process.check()

    def last_words(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(process.last_words() for process in self._all)


def _bound_to_parent() -> list[str]:
    """On Linux even a demo that is itself killed with SIGKILL leaves nothing behind."""
    if sys.platform != "linux":
        return []
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
