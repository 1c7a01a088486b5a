"""Breaks off polls in flight.

A poll lasts up to 90 seconds, and its answer may be a task. A runner that is told to stop must
not get one any more: it closes the connection, and the coordinator, which sees that, gives the
task to another runner. botocore has no call for this, so the sockets are noted down as they are
connected.
"""

from __future__ import annotations

import contextlib
import socket
import weakref
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)


class Connections:
    """Every connection of one client."""

    def __init__(self, client: Any) -> None:
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._broken = False
        with contextlib.suppress(AttributeError):  # without these names a poll just ends later
            client._endpoint.http_session._pool_classes_by_scheme.update(self._pools())  # noqa: SLF001

    def break_off(self) -> None:
        """End the calls in flight with an error, and refuse further ones."""
        self._broken = True
        for connection in list(self._open):
            with contextlib.suppress(OSError, AttributeError):  # closed by itself meanwhile
                connection.sock.shutdown(socket.SHUT_RDWR)

    def note(self, connection: Any) -> None:
        """Note a connection that was just made.

        Raises:
            ConnectionAbortedError: there are to be no more.
        """
        self._open.add(connection)
        if self._broken:
            connection.close()
            raise ConnectionAbortedError("the runner stops")

    def _pools(self) -> dict[str, type]:
        return {
            "http": _pool(self, AWSHTTPConnectionPool, AWSHTTPConnection),
            "https": _pool(self, AWSHTTPSConnectionPool, AWSHTTPSConnection),
        }


def _pool(connections: Connections, pool: Any, connection: Any) -> type:
    class Noted(connection):  # type: ignore[misc]  # botocore has no types at run time
        def connect(self) -> None:
            super().connect()
            connections.note(self)

    class Pool(pool):  # type: ignore[misc]  # likewise
        ConnectionCls = Noted

    return Pool
