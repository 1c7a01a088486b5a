"""The bounds of a replica's connections: how many, how slow, how much at a time.

A connection is idle, sends a request, or waits for its answer. Once a second all are looked over
(0.1 µs each): who takes too long to send, or to read, is cut off. A request may take
`COORDINATOR_REQUEST_TIMEOUT` seconds and, on top of that, a second for each `LEAST_RATE` bytes of
its body, so that a large one may come slowly, but not for ever; and a connection may idle for
`KEEP_ALIVE_SECONDS`. No timer is armed for a request or behind an answer.
"""

from __future__ import annotations

import logging
from heapq import nsmallest
from typing import TYPE_CHECKING, Final, Literal, Protocol

from coordinator.errors import OverloadedError, TooSlowError

if TYPE_CHECKING:
    import asyncio
    from collections import Counter

    from coordinator.config import Settings
    from coordinator.errors import CoordinatorError

log = logging.getLogger(__name__)
IDLE: Final = "idle"
SENDING: Final = "sending"
ANSWERING: Final = "answering"
Phase = Literal["idle", "sending", "answering"]
LEAST_RATE = 16384
SWEEP_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75
# Where there are too many connections, this share of them is closed at once, if they are idle.
SHARE = 16
NONE_IDLE_FOR = 0.1


class Connection(Protocol):
    """What is looked at of a connection."""

    phase: Phase
    since: float  # when the phase began
    fresh: bool  # whether no request has come yet
    received: int  # bytes of the body of the request that is being sent, or answered
    blocked: float | None  # since when the client does not read its answers
    transport: asyncio.Transport

    def refuse(self, error: CoordinatorError) -> None:
        """Answer with an error, where an answer can be sent, and close."""


class Connections:
    """All connections of a replica's API."""

    def __init__(self, settings: Settings, limited: Counter[str]) -> None:
        self.most_head = settings.max_headers
        self._most = settings.max_connections
        self._most_bytes = settings.max_inflight
        self._timeout = settings.request_timeout
        self._limited = limited
        self._open: set[Connection] = set()
        self._bytes = 0
        self._none_idle_until = 0.0
        self._sweeping = False

    def enter(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> bool:
        """Take a connection, in the place of idle ones if there are too many; False: refuse it."""
        if len(self._open) >= self._most and not self._make_room(loop.time()):
            self.count("connections")
            return False
        self._open.add(connection)
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(SWEEP_SECONDS, self._sweep, loop)
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._open.discard(connection)

    def count(self, limit: str) -> None:
        """Count what was refused or cut off."""
        self._limited[limit] += 1

    def hold(self, size: int) -> None:
        """Count bytes of a body; too many in all: the largest unfinished request is refused."""
        self._bytes += size
        if self._bytes > self._most_bytes:
            self._relieve()

    def release(self, size: int) -> None:
        """Count bytes whose request has its answer, or no client any more."""
        self._bytes -= size

    def _make_room(self, now: float) -> bool:
        if now < self._none_idle_until:
            return False
        idle = [c for c in self._open if c.phase == IDLE]
        longest = nsmallest(max(1, self._most // SHARE), idle, key=lambda c: c.since)
        for connection in longest:
            self._open.discard(connection)
            self.count("idle_connections")
            if connection.blocked is None:
                connection.transport.close()
            else:
                connection.transport.abort()  # nobody looks after it any more
        if not longest:
            self._none_idle_until = now + NONE_IDLE_FOR
        return bool(longest)

    def _relieve(self) -> None:
        unfinished = (c for c in self._open if c.phase == SENDING)
        largest = max(unfinished, key=lambda c: c.received, default=None)
        if largest is not None and largest.received:
            self.count("bytes")
            largest.refuse(OverloadedError())

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = bool(self._open)
        if self._sweeping:
            loop.call_later(SWEEP_SECONDS, self._sweep, loop)
        now = loop.time()
        for connection in tuple(self._open):
            try:
                self._look_at(connection, now)
            except Exception:  # the others must be looked at all the same
                log.exception("a connection could not be looked at, and is closed")
                connection.transport.abort()

    def _look_at(self, connection: Connection, now: float) -> None:
        patience = now - self._timeout
        if connection.transport.is_closing():
            if connection.since < patience:
                connection.transport.abort()  # the rest of the last answer is not read
        elif connection.blocked is not None and connection.blocked < patience:
            self.count("time")
            connection.transport.abort()
        elif connection.phase == SENDING:
            if connection.since + connection.received / LEAST_RATE < patience:
                self.count("time")
                connection.refuse(TooSlowError())
        elif connection.phase == IDLE:
            self._look_at_idle(connection, now)

    def _look_at_idle(self, connection: Connection, now: float) -> None:
        """Close what idles too long; it meets a limit only where no request ever came."""
        if connection.since < now - (self._timeout if connection.fresh else KEEP_ALIVE_SECONDS):
            if connection.fresh:
                self.count("time")
            connection.transport.close()
