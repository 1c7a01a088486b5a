"""A replica behind its sockets, for as long as no signal ends it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

from coordinator.commands.admin_port import admin_port
from coordinator.commands.certificate import Certificate
from coordinator.commands.http_server import Server
from coordinator.commands.listening import UVICORN
from coordinator.commands.replica import Replica, tune_collector
from coordinator.web.exposition import of_process
from coordinator.web.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from coordinator.commands.listening import Doors
    from coordinator.config import Settings
    from coordinator.web.workers import Place


def run_replica(
    settings: Settings, doors: Doors, on_start: Callable[[], None], place: Place | None = None
) -> None:
    """Serve one replica until a signal ends it; `on_start` is called when it does.

    Raises:
        ConfigError: Redis is set up in a way that would lose leases, or a file that the settings
            name cannot be used.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, doors, on_start, place))


async def _serve(
    settings: Settings, doors: Doors, on_start: Callable[[], None], place: Place | None
) -> None:
    tls: dict[str, Any] = {}
    async with Replica(settings, place) as replica, AsyncExitStack() as stack:
        if replica.workers is not None:
            own = partial(of_process, replica.coordinator)
            await stack.enter_async_context(replica.workers.told(own))
        if doors.admin is not None:
            await stack.enter_async_context(admin_port(replica, doors.admin))
        if certificate := Certificate.of(settings):
            await stack.enter_async_context(_beside(certificate.run()))
            tls = {"ssl_context_factory": lambda *_: certificate.context}
        config = uvicorn.Config(replica.app, http=Protocol, **tls, **UVICORN)
        tune_collector()
        await Server(config, on_start, replica.drain, settings.drain_delay).serve([doors.api])


@asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do something for as long as the context lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
