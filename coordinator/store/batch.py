"""One connection to Redis that sends together what was asked for together.

Calls made in the same turn of the event loop leave in one write and are answered in order, so a
call costs a future and a few list operations, not a system call. Answers belong to calls by
position alone. Two rules keep that safe: nothing is ever taken out of the row of pending calls but
by its answer (the answer of a cancelled call is swallowed), and a connection that lost or mixed up
an answer is never used again.

Redis Serialization Protocol 2 and pipelining: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from hiredis import ProtocolError, Reader, pack_command

from coordinator.errors import UnknownOutcomeError
from coordinator.metrics import Histogram
from coordinator.store.troubles import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

# A loop that was itself held up finds its timers due before it has read the answers that wait in
# the socket; so a connection that looks dead is looked at again before it is given up.
SECOND_LOOK_SECONDS = 0.05
_INCOMPLETE = object()
CALLS_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0)
TRIP_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5)

Word = bytes | str | int
# hiredis' own annotation of pack_command is of a tuple of one element.
pack = cast("Callable[[tuple[Word, ...]], bytes]", pack_command)


@dataclass(slots=True)
class Counters:
    """What the connections have done since the start; read at scrape."""

    calls: int = 0
    batches: int = 0
    reconnects: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    batch_calls: Histogram = field(default_factory=lambda: Histogram(CALLS_BOUNDS))
    round_trip: Histogram = field(default_factory=lambda: Histogram(TRIP_BOUNDS))


class Connection(asyncio.Protocol):
    """A connection with calls in flight.

    Args:
        name: the address as the messages show it.
        timeout: seconds that the oldest pending call may stay unanswered.
        counters: where calls and batches are counted.
        on_lost: called once with this connection when it can no longer be used.
    """

    def __init__(
        self, name: str, timeout: float, counters: Counters, on_lost: Callable[[Connection], None]
    ) -> None:
        self.lost: str | None = None
        self.gone: asyncio.Event = asyncio.Event()
        self.answered = 0  # replies so far
        self._loop = asyncio.get_running_loop()
        self._name = name
        self._timeout = timeout
        self._counters = counters
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._reader = Reader(notEnoughData=_INCOMPLETE)
        self._out: list[bytes] = []
        self._pending: deque[asyncio.Future[Any] | None] = deque()
        self._flushed: deque[tuple[int, float, float]] = deque()  # (answers that end it, sent when)
        self._timer: asyncio.TimerHandle | None = None
        self._suspected_at = -1
        self._retiring = False

    def send(self, packed: bytes, future: asyncio.Future[Any]) -> None:
        """Send one packed command at the end of this turn; its reply becomes the result.

        An error reply is a result too (`hiredis.ReplyError`). If the connection is lost before the
        reply, the exception is UnknownOutcomeError.
        """
        out = self._out
        if not out:
            self._loop.call_soon(self._flush)
        out.append(packed)
        self._pending.append(future)

    def send_after(self, prefix: bytes, packed: bytes, future: asyncio.Future[Any]) -> None:
        """Send `prefix`, a command whose reply is thrown away, and right behind it `packed`."""
        self._pending.append(None)
        self.send(prefix + packed, future)

    def retire(self) -> None:
        """Close the connection once the calls in flight are answered; send nothing after this."""
        self._retiring = True
        self._close_if_idle()

    def abort(self, reason: str) -> None:
        """Give the connection up at once: every call in flight fails with UnknownOutcomeError."""
        if self._transport is not None:
            self._transport.abort()
        self._lose(reason)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport (called by the event loop)."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand each complete reply to the oldest pending call (called by the event loop)."""
        pending = self._pending
        before = len(pending)
        gets = self._reader.gets
        self._reader.feed(data)
        try:
            while (reply := gets()) is not _INCOMPLETE:
                future = pending.popleft()
                if future is not None and not future.done():
                    future.set_result(reply)
        except ProtocolError as error:
            self.abort(f"what it sent is not the Redis protocol: {error}")
        except IndexError:
            self.abort("it sent an answer that nobody asked for")
        self._count(before - len(pending))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is pending (called by the event loop when the transport is closed)."""
        self._lose((in_words(exc) if exc else "") or "the server closed the connection")
        self.gone.set()

    def _flush(self) -> None:
        if self.lost is not None or self._transport is None:
            return
        self._counters.batch_calls.observe(len(self._out))
        self._transport.write(b"".join(self._out))
        self._out.clear()
        self._counters.batches += 1
        now = self._loop.time()
        self._flushed.append((self.answered + len(self._pending), now, perf_counter()))
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._timeout, self._look)

    def _count(self, answers: int) -> None:
        self._counters.calls += answers
        self.answered += answers
        flushed = self._flushed
        while flushed and flushed[0][0] <= self.answered:
            _, _, sent = flushed.popleft()
            self._counters.round_trip.observe(perf_counter() - sent)
        if self._retiring:
            self._close_if_idle()

    def _look(self) -> None:
        """Give the connection up if its oldest pending call has waited too long."""
        self._timer = None
        if not self._flushed or self.lost is not None:
            return
        now = self._loop.time()
        due = self._flushed[0][1] + self._timeout
        if now < due:
            self._timer = self._loop.call_at(due, self._look)
        elif self._suspected_at == self.answered:
            self.abort(f"no answer within {self._timeout:g} s")
        else:
            self._suspected_at = self.answered
            self._timer = self._loop.call_at(now + SECOND_LOOK_SECONDS, self._look)

    def _close_if_idle(self) -> None:
        if not self._pending and self._transport is not None:
            self._transport.close()

    def _lose(self, reason: str) -> None:
        if self.lost is not None:
            return
        self.lost = reason
        if self._timer is not None:
            self._timer.cancel()
        self._out.clear()
        while self._pending:
            future = self._pending.popleft()
            if future is not None and not future.done():
                future.set_exception(UnknownOutcomeError(self._unknown()))
        self._on_lost(self)

    def _unknown(self) -> str:
        return (
            f"Redis at {self._name} was lost before its answer came ({self.lost}); "
            "the call may or may not have had its effect, so repeat it."
        )
