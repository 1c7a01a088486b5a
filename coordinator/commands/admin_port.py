"""``COORDINATOR_ADMIN_PORT``: health and metrics on a port of their own, for the inside network.

It is plain HTTP and asks nobody who they are: whoever can reach it may read it. It serves for as
long as the replica does, so that health can be asked while the API's port is drained.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import uvicorn

from coordinator.commands.listening import UVICORN
from coordinator.web.app import create_admin_app
from coordinator.web.guards import is_loopback

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator

    from coordinator.commands.replica import Replica


class _Beside(uvicorn.Server):
    """uvicorn beside another server in one event loop: signals are the other's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take none."""
        yield


@asynccontextmanager
async def admin_port(replica: Replica, door: socket.socket) -> AsyncIterator[None]:
    """Serve the admin port for as long as the context lasts."""
    any_host = not is_loopback(door.getsockname()[0])
    app = create_admin_app(replica.coordinator, replica.workers, any_host=any_host)
    server = _Beside(uvicorn.Config(app, http="httptools", **UVICORN))
    serving = asyncio.create_task(server.serve([door]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
