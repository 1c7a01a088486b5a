"""Calls that wait for a connection."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.store.batch import Connection


class _Call(NamedTuple):
    due: float
    prefix: bytes
    packed: bytes
    future: asyncio.Future[Any]


class WaitingRoom:
    """Calls in the order they came, each for at most `timeout` seconds.

    Args:
        timeout: seconds a call waits.
        explain: makes the exception of a call that waited too long.
    """

    def __init__(self, timeout: float, explain: Callable[[], Exception]) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._explain = explain
        self._calls: deque[_Call] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, packed: bytes, future: asyncio.Future[Any], prefix: bytes = b"") -> None:
        """Let a call wait; `prefix` is a command to send right before it."""
        due = self._loop.time() + self._timeout
        self._calls.append(_Call(due, prefix, packed, future))
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._expire)

    def leave(self, connection: Connection) -> None:
        """Send every call that still wants an answer."""
        for call in self._emptied():
            if call.future.done():
                continue
            if call.prefix:
                connection.send_after(call.prefix, call.packed, call.future)
            else:
                connection.send(call.packed, call.future)

    def fail(self, make: Callable[[], Exception]) -> None:
        """Fail every call."""
        for call in self._emptied():
            if not call.future.done():
                call.future.set_exception(make())

    def _emptied(self) -> deque[_Call]:
        calls, self._calls = self._calls, deque()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return calls

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._calls and (self._calls[0].due <= now or self._calls[0].future.done()):
            future = self._calls.popleft().future
            if not future.done():
                future.set_exception(self._explain())
        if self._calls:
            self._timer = self._loop.call_at(self._calls[0].due, self._expire)
