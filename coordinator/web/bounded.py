"""uvicorn's HTTP protocol with the bounds of `Connections`: about 1 µs a request.

A request's head is counted where it comes in several reads, so that it may be larger than
`COORDINATOR_MAX_HEADERS` by one read, and exactly once it is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from coordinator.errors import CoordinatorError, OverloadedError
from coordinator.web.connections import ANSWERING, IDLE, SENDING
from coordinator.web.refusals import HeadTooLargeError, PipelinedError, UrlTooLongError, limit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.web.api import Api
    from coordinator.web.connections import Phase

MOST_URL, MOST_FIELDS, MOST_PIPELINED = 8192, 100, 16


class BoundedProtocol(HttpToolsProtocol):
    """A connection that `Connections` knows, as its `Connection` says."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._api = cast("Api", self.app)
        self._connections = self._api.connections
        self.phase: Phase = IDLE
        self.fresh = True
        self.since = self.loop.time()
        self.blocked: float | None = None
        self.received = 0  # of the body of the latest request
        self._held = 0  # bytes that `Connections` counts for this connection
        self._around = 0  # bytes of the latest request, besides its body
        self._read = 0  # size of the latest read
        self._in_head = self._refused = False

    def connection_made(self, transport: Any) -> None:
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        if not self._connections.enter(self, self.loop):
            self.refuse(OverloadedError())

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self._connections.leave(self)
        self._release(0)

    def data_received(self, data: bytes) -> None:
        """Read on; what surrounds a body must not grow without end either."""
        if self._refused:
            return
        self._read = len(data)
        going_on, before = self.phase == SENDING, self.received
        super().data_received(data)
        if going_on and self.phase == SENDING:
            self._around += len(data) - max(self.received - before, 0)
            if self._around > self._connections.most_head + self.received:
                self.refuse(HeadTooLargeError())

    def on_body(self, body: bytes) -> None:
        """Count a part of a body that is not refused yet."""
        size = len(body)
        self.received += size
        if not self.cycle.response_complete:
            self._held += size
            self._connections.hold(size)
        if not self._refused:
            super().on_body(body)

    def on_response_complete(self) -> None:
        """Hold no more of the request than what comes behind it, and go on with that.

        uvicorn's own way arms a timer for each answer (1 µs), to close what stays idle.
        `Connections` does that.
        """
        if self.phase == ANSWERING and not self.pipeline:
            self.phase, self.since = IDLE, self.loop.time()
        if self._held:
            self._release(0 if self.phase == IDLE else self.received)
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def pause_writing(self) -> None:
        """Remember since when the client does not read."""
        self.blocked = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It reads again."""
        self.blocked = None
        super().resume_writing()

    def refuse(self, error: CoordinatorError) -> None:
        """Answer the request under way with an error, if nothing else is being said, and close."""
        quiet = self.cycle is None or self.cycle.response_complete
        can_answer = quiet if self._in_head or self.fresh else self._is_unanswered()
        self._refused, self.phase = True, IDLE
        self._release(0)
        if not can_answer and (limit := limit_of(error)):
            self._connections.count(limit)
        if not quiet:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.is_closing():
            return
        if can_answer:
            answer = self._api.refusal(error, self.client)
            self.transport.write(answer.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
        self.transport.close()

    def begin(self) -> None:
        """Note that a request begins to come."""
        self.phase, self.since = SENDING, self.loop.time()
        self._in_head, self.received, self._around = True, 0, 0

    def check_head(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Note that the head of a request is whole.

        Raises:
            HeadTooLargeError, UrlTooLongError, PipelinedError: answered, and the connection closed.
        """
        error: CoordinatorError | None = None
        if len(headers) > MOST_FIELDS or self._is_too_large(headers):
            error = HeadTooLargeError()
        elif len(self.url) > MOST_URL:
            error = UrlTooLongError()
        elif len(self.pipeline) >= MOST_PIPELINED:
            error = PipelinedError()
        if error is not None:
            self.refuse(error)
        if self._refused:
            raise error or OverloadedError  # the parser stops
        self._in_head = self.fresh = False
        self._around = 0

    def end(self) -> bool:
        """Note that a request is whole; False: it has been refused meanwhile."""
        if self._refused:
            return False
        if self.cycle.response_complete:  # it was answered before it was whole
            self.phase, self.since = IDLE, self.loop.time()
        else:
            self.phase = ANSWERING
        return True

    def _is_too_large(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        most = self._connections.most_head
        if self._around + self._read <= most:
            return False
        return len(self.url) + sum(len(name) + len(value) for name, value in headers) > most

    def _is_unanswered(self) -> bool:
        cycle = self.cycle
        if cycle is None:  # its head was whole, but made no sense
            return False
        return not (
            cycle.response_complete or getattr(cycle, "response_started", False) or self.pipeline
        )

    def _release(self, but: int) -> None:
        if self._held:
            self._connections.release(self._held - but)
            self._held = but
