"""``serve --workers N``: the parent of N replicas, which share an address and nothing else.

It listens, starts the workers, starts those again that end, and passes signals on. The sockets are
its own: a worker that is started again finds the connections that came meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from coordinator.commands.http_server import STOP_SIGNALS
from coordinator.commands.listening import announce
from coordinator.commands.worker import SERVING, Job, Worker
from coordinator.config import ConfigError
from coordinator.web.workers import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.commands.listening import Doors
    from coordinator.config import Settings

log = logging.getLogger("coordinator")
LONG_LIFE = 10.0  # seconds; one that served so long is started again at once
PAUSE_STEP, LONGEST_PAUSE = 0.5, 10.0
END_WITHIN = 20.0  # seconds after the drain delay: more than uvicorn takes to finish


def run_workers(settings: Settings, doors: Sequence[Doors]) -> None:
    """Serve in a process for each of the doors, until a signal ends it.

    Raises:
        ConfigError: a worker does not start.
    """
    with TemporaryDirectory(prefix="coordinator-") as directory:
        places = [Place(number, len(doors), Path(directory)) for number in range(len(doors))]
        jobs = [Job(settings, *pair) for pair in zip(doors, places, strict=True)]
        asyncio.run(_Parent(jobs).run())


class _Parent:
    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._running: dict[int, Worker] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep the workers running until a signal comes.

        The first is started alone: what keeps one from starting keeps all, and is said once.
        """
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._stop, number)
        first, *others = self._jobs
        try:
            await self._begin(first)
            await asyncio.gather(*map(self._begin, others))
            if not self._stopping.is_set():
                announce(first.settings, first.doors)
            await self._keep_all()
        finally:
            await self._end()

    async def _begin(self, job: Job) -> None:
        if self._stopping.is_set():
            return
        worker = self._running[job.place.number] = Worker(job)
        said = await worker.word()
        if said == SERVING:
            log.info("%s serves", worker.name)
        elif not self._stopping.is_set():
            raise ConfigError(said)

    async def _keep_all(self) -> None:
        keepers = [asyncio.create_task(self._keep(job)) for job in self._jobs]
        await self._stopping.wait()
        for keeper in keepers:
            keeper.cancel()
        await asyncio.wait(keepers)

    async def _keep(self, job: Job) -> None:
        """Start a worker that ended again: at once after a long life, else with growing pauses."""
        pause = 0.0
        while True:
            worker = self._running[job.place.number]
            await worker.ended()
            log.error("%s ended with exit code %s", worker.name, worker.exit_code)
            pause = 0.0 if time.monotonic() - worker.began > LONG_LIFE else pause
            await asyncio.sleep(pause)
            pause = min(pause + PAUSE_STEP, LONGEST_PAUSE)
            try:
                await self._begin(job)
            except ConfigError as error:
                log.error("%s", error)  # noqa: TRY400 - a sentence; the traceback adds nothing

    def _stop(self, number: int) -> None:
        """Take a signal: listen no more than the workers do, and let each of them take it."""
        self._stopping.set()
        for job in self._jobs:
            for door in filter(None, job.doors):
                door.close()
        self._tell(number)

    def _tell(self, number: int) -> None:
        for worker in self._running.values():
            worker.tell(number)

    async def _end(self) -> None:
        """Wait until all have ended; who takes too long is killed."""
        if not self._stopping.is_set():
            self._stop(signal.SIGINT)
        ends = [asyncio.ensure_future(worker.ended()) for worker in self._running.values()]
        if ends:
            await asyncio.wait(ends, timeout=self._jobs[0].settings.drain_delay + END_WITHIN)
        self._tell(signal.SIGKILL)
        await asyncio.gather(*ends)
