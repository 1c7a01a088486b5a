"""``coordinator serve``: a replica behind uvicorn; an embedded Valkey if no Redis is named."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, cast

import uvicorn
import uvloop

from coordinator.commands.admin_port import admin_port
from coordinator.commands.listening import UVICORN, listen
from coordinator.commands.replica import Replica, tune_collector
from coordinator.config import ConfigError
from coordinator.embedded import EmbeddedServer
from coordinator.web.guards import is_loopback
from coordinator.web.protocol import Protocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from types import FrameType

    from coordinator.config import Settings

log = logging.getLogger("coordinator")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """uvicorn, which lets clients move on to other replicas before it stops.

    From the signal on `on_stop` has made the replica unready and each answer closes its connection,
    but connections are taken for `drain_delay` seconds more: a load balancer needs a while to see
    it, and a connection that is closed while idle may lose the request that is on its way. SIGINT,
    or a second signal, cuts that short.
    """

    def __init__(
        self, config: uvicorn.Config, on_stop: Callable[[], None], drain_delay: float
    ) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self._drain_delay = drain_delay
        self._hurried = asyncio.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: let long polls end, so that their connections can close."""
        if self.should_exit or sig == signal.SIGINT:
            self._hurried.set()
        self._on_stop()
        for connection in self.server_state.connections:
            cast("Protocol", connection).end_with_answer()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Go on for a while, then take no more connections and finish those that there are."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_delay):
                await self._hurried.wait()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while serving. uvicorn would raise them again, before our own clean-up."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: Any = None) -> None:
        """Bind, then say where."""
        await super().startup(sockets)
        for server in self.servers:
            for bound in server.sockets:
                host, port = bound.getsockname()[:2]
                log.info("serving the AWS Data Pipeline API on http://%s:%d", host, port)


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal ends it.

    Raises:
        ConfigError: Redis is set up in a way that would lose leases, the port is taken, or nothing
            says who may call.
        EmbeddedError: the embedded server cannot start.
    """
    _check_access(settings, host)
    _check_replicas(settings)
    with ExitStack() as stack:
        if not settings.redis_url:
            fsync: Literal["always", "everysec"] = (
                "always" if settings.durability == "always" else "everysec"
            )
            embedded = stack.enter_context(EmbeddedServer(settings.data_dir, appendfsync=fsync))
            log.info("embedded Valkey keeps its data in %s", settings.data_dir)
            settings = settings.model_copy(update={"redis_url": embedded.url})
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, host, port))
        log.info("stopped")


def _check_access(settings: Settings, host: str) -> None:
    """Refuse to be open to a network by oversight, and say who may call."""
    if settings.signed:
        if not settings.credentials_file:
            raise ConfigError(
                "COORDINATOR_AUTH is sigv4, and COORDINATOR_CREDENTIALS_FILE names no file of "
                "access keys: `coordinator credentials new` prints what to write into one."
            )
        return
    if settings.auth == "" and not is_loopback(host):
        raise ConfigError(
            f"Whoever reaches {host} could run commands on the task runners: set "
            "COORDINATOR_CREDENTIALS_FILE to a file of access keys (`coordinator credentials new` "
            "prints what to write into it), or COORDINATOR_AUTH=none to be open all the same."
        )
    if settings.credentials_file:
        log.warning("COORDINATOR_AUTH is none: COORDINATOR_CREDENTIALS_FILE is not looked at")
    where = (
        "on this machine" if is_loopback(host) else f"who can reach {host}: use it behind a wall"
    )
    log.warning("no signatures: open to everybody %s", where)


def _check_replicas(settings: Settings) -> None:
    """Refuse ``replicas:N`` with the embedded server, where each durable call would fail."""
    if settings.durability.startswith("replicas:") and not settings.redis_url:
        raise ConfigError(
            f"COORDINATOR_DURABILITY is {settings.durability}, and the embedded server has no "
            "replicas: set COORDINATOR_REDIS_URL, or use everysec or always."
        )


async def _serve(settings: Settings, host: str, port: int) -> None:
    async with Replica(settings) as replica, AsyncExitStack() as stack:
        listening = stack.enter_context(closing(listen(host, port)))
        if settings.admin_port is not None:
            admin_host = settings.admin_host or host
            await stack.enter_async_context(
                admin_port(replica.coordinator, admin_host, settings.admin_port)
            )
        config = uvicorn.Config(replica.app, http=Protocol, **UVICORN)
        tune_collector()
        await Server(config, replica.drain, settings.drain_delay).serve([listening])
