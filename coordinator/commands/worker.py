"""One process of ``serve --workers N``: a whole replica, seen from inside and from its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING

from coordinator.commands.logs import log_to_stderr
from coordinator.commands.serving import run_replica
from coordinator.config import ConfigError
from coordinator.errors import CoordinatorError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from coordinator.commands.listening import Doors
    from coordinator.config import Settings
    from coordinator.web.workers import Place

# Not forked: the parent has threads, and a child must not inherit the sockets of its siblings.
_processes = get_context("spawn")
SERVING = ""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do; it goes to the process pickled."""

    settings: Settings
    doors: Doors
    place: Place


class Worker:
    """A running worker, as its parent sees it."""

    def __init__(self, job: Job) -> None:
        """Start the process."""
        self.job, self.began = job, time.monotonic()
        self._serves = False
        self._word, told = _processes.Pipe(duplex=False)
        with told:
            self._process = _processes.Process(target=_work, args=(job, told))
            self._process.start()

    @property
    def name(self) -> str:
        """How logs call it."""
        return f"worker {self.job.place.number} (pid {self._process.pid})"

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        return self._process.exitcode

    async def word(self) -> str:
        """Wait until it serves, or for the sentence in which it says why it does not."""
        await _readable(self._word.fileno())
        try:
            with self._word:
                said: str = self._word.recv()
        except EOFError:
            await self.ended()
            return f"{self.name} ended with exit code {self.exit_code} before it served."
        self._serves = said == SERVING
        return said

    async def ended(self) -> None:
        """Wait for the end of the process."""
        await _readable(self._process.sentinel)
        self._process.join()

    def tell(self, number: int) -> None:
        """Send it a signal, if it still runs; who does not serve yet just ends."""
        if self.exit_code is None and self._process.pid is not None:
            os.kill(self._process.pid, number if self._serves else signal.SIGKILL)


async def _readable(descriptor: int) -> None:
    """Wait until there is something to read, or the other side is gone."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _work(job: Job, told: Connection) -> None:
    """Be a worker; what a user can mend is said to the parent, which says it once for all."""
    os.setpgid(0, 0)  # Ctrl-C is for the parent, which tells its workers
    log_to_stderr(job.settings)
    try:
        run_replica(job.settings, job.doors, lambda: _started(told), job.place)
    except (CoordinatorError, ConfigError) as error:
        told.send(str(error))
        sys.exit(1)


def _started(told: Connection) -> None:
    """Say that this worker serves, and end with the parent, however that ends."""
    told.send(SERVING)
    if parent := parent_process():
        asyncio.get_running_loop().add_reader(parent.sentinel, _orphaned, parent.sentinel)


def _orphaned(sentinel: int) -> None:
    asyncio.get_running_loop().remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGTERM)
