"""One replica: its use cases, the loops beside them, and the web application in front."""

from __future__ import annotations

import asyncio
import gc
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from coordinator.commands.inspection import Inspector
from coordinator.config import ConfigError
from coordinator.domain.credentials import CredentialsError
from coordinator.errors import CoordinatorError
from coordinator.service.coordinator import build
from coordinator.store.routing import connect
from coordinator.timers.checks import check_waiting
from coordinator.timers.listener import Listener
from coordinator.timers.loop import DueLoop
from coordinator.web.app import create_app
from coordinator.web.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from coordinator.config import Settings
    from coordinator.web.workers import Place

GC_THRESHOLDS = (100_000, 50, 100)


class Replica:
    """Everything of one replica but the HTTP server; an async context manager.

    `place` is given to the workers of a service that has several.
    `listener` and `loop` switch off what only makes things sooner, for the tests that show it.
    """

    def __init__(
        self,
        settings: Settings,
        place: Place | None = None,
        *,
        listener: bool = True,
        loop: bool = True,
    ) -> None:
        self.router = connect(
            settings.redis_url,
            timeout=settings.redis_timeout,
            client_name=f"coordinator-{os.getpid()}",
            durability=settings.durability,
            password_file=settings.redis_password_file,
        )
        self.coordinator = build(settings, self.router)
        self.workers = Workers(place) if place else None
        self.app = create_app(self.coordinator, self.workers)
        self._inspector = Inspector(self.router, settings, self.coordinator.health)
        self._running: list[asyncio.Task[None]] = []
        self._listener, self._loop = listener, loop

    async def __aenter__(self) -> Self:
        """Read the credentials, check Redis and start the loops.

        Raises:
            ConfigError: Redis is set up in a way that would lose leases, or the credentials file
                cannot be used.
        """
        try:
            self._read_credentials()
            await self._inspector.start()
        except BaseException:
            await self.router.close()
            raise
        with suppress(CoordinatorError):  # the loops ask again, and say that Redis is away
            await self.coordinator.shards.refresh()
        self._running = [asyncio.create_task(work) for work in self._loops()]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the loops and close every connection."""
        self.coordinator.polls.close()
        for task in self._running:
            task.cancel()
        for task in self._running:
            with suppress(asyncio.CancelledError):
                await task
        await self.coordinator.alarms.close()
        await self.router.close()

    def _read_credentials(self) -> None:
        keyring = self.coordinator.access.keyring
        try:
            if keyring is not None:
                keyring.start()
        except CredentialsError as error:
            raise ConfigError(str(error)) from None

    def drain(self) -> None:
        """Be no longer ready, answer waiting polls, and let each answer close its connection."""
        self.coordinator.health.stopping = True
        self.coordinator.polls.close()

    def _loops(self) -> list[Coroutine[None, None, None]]:
        shards, polls = self.coordinator.shards, self.coordinator.polls
        due_loop = DueLoop(self.coordinator.due, shards)
        sightings = self.coordinator.sightings
        loops = [check_waiting(polls, sightings, shards), self._inspector.run()]
        if keyring := self.coordinator.access.keyring:
            loops.append(keyring.run())
        if self._loop:
            loops.append(due_loop.run())
        if self._listener:
            metrics = self.coordinator.metrics
            loops.append(Listener(self.router, shards, polls, due_loop.hint, metrics).run())
        return loops


def tune_collector() -> None:
    """Let the garbage collector leave alone what is there now: it cost a fifth of each request."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
