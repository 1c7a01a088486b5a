"""uvicorn's HTTP protocol, with a short way for answers and a shorter one for reports.

uvicorn checks each header with a regular expression and writes head and body apart. Answers of the
API go in one write instead, by what this file offers to the application in the scope's extensions
(`REPLY`). And a plain ReportTaskProgress, which is nearly every request of the day, does not become
an ASGI call at all: it is answered from its body (`Api.report`) as soon as that is there. Whatever
is unusual about a request (another operation, an HTTP/1.0 client, pipelining, a chunked or large
body, a header that the guards refuse) takes uvicorn's way through the same functions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from coordinator.web.bounded import BoundedProtocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from coordinator.web.api import Api

REPLY = "coordinator.reply"
MOST_BODY = 32768
MOST_DIGITS = 5
_END_OF_HEAD = b"\r\n\r\n"
_CLOSE = b"\r\nconnection: close\r\n\r\n"


class Protocol(BoundedProtocol):
    """Offers ``scope["extensions"]["coordinator.reply"](answer)``, a whole response as bytes."""

    def on_message_begin(self) -> None:
        """Begin a request; its scope is made only if it is to be an ASGI call."""
        self.begin()
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take the short way where there is nothing unusual about the request."""
        self.check_head(self.headers)
        headers = dict(self.headers)
        if self._is_plain(headers) and self._api.is_plain_report(headers):
            self.cycle = cast("RequestResponseCycle", Report(self))
            return
        url, received = self.url, self.headers
        super().on_message_begin()
        self.url = url
        if b"expect" in headers:
            given = [value.lower() for name, value in received if name == b"expect"]
            self.expect_100_continue = b"100-continue" in given
        self.headers.extend(received)
        super().on_headers_complete()
        if self._api.stopping:
            self.end_with_answer()

    def end_with_answer(self) -> None:
        """Let the answer under way, if there is one, be the last: the replica stops."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Answer a report once its body is there."""
        if not self.end():
            return
        cycle: object = self.cycle
        if type(cycle) is Report and not cycle.response_complete:
            cycle.start(self._api)
            return
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, in the shape of the API's errors.

        Behind a whole request that is being answered, its answer is the last instead.
        """
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            if not self.cycle.more_body:
                self.cycle.keep_alive = False
                return
            self.cycle.disconnected = True  # the rest of its body never comes
            self.cycle.message_event.set()
        _write(self, self._api.not_http(msg, self.client), keep_alive=False)

    def _is_plain(self, headers: dict[bytes, bytes]) -> bool:
        length = headers.get(b"content-length", b"")
        return (
            (self.cycle is None or self.cycle.response_complete)
            and self.url == b"/"
            and length.isdigit()
            and len(length) <= MOST_DIGITS
            and int(length) <= MOST_BODY
            and b"expect" not in headers
            and self.parser.get_method() == b"POST"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.flow.write_paused
        )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope = cast("dict[str, Any]", cycle.scope)
        if scope["method"] != "HEAD":  # uvicorn knows that its answer has no body
            scope["extensions"] = {REPLY: partial(reply, cycle)}
        super()._start_asgi_task(cycle, app)


class _NoEvent:
    """Stands where uvicorn wakes an application that waits for more of a body."""

    def set(self) -> None:
        """Nobody waits."""


class Report:
    """A report under way. To uvicorn it looks like any request-response cycle.

    So a request that comes behind it on the same connection waits its turn, a shutdown lets it end,
    and a client that leaves is remembered.
    """

    __slots__ = (
        "_headers",
        "_protocol",
        "_task",
        "body",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
    )
    message_event = _NoEvent()

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._headers = protocol.headers
        self.body = bytearray()
        self.more_body = True
        self.keep_alive = not protocol._api.stopping  # noqa: SLF001 - one file
        self.disconnected = False
        self.response_complete = False

    def start(self, api: Api) -> None:
        """Answer in a task of its own."""
        self.more_body = False
        protocol = self._protocol
        self._task = protocol.loop.create_task(self._answer(api))
        protocol.tasks.add(self._task)  # a shutdown waits for it

    async def _answer(self, api: Api) -> None:
        protocol = self._protocol
        try:
            answer = await api.report(self._headers, bytes(self.body), protocol.client)
            self.response_complete = True
            if not self.disconnected:
                _write(protocol, answer, keep_alive=self.keep_alive)
            protocol.on_response_complete()
        finally:
            protocol.tasks.discard(self._task)
            del self._task  # the connection keeps its latest report


def reply(cycle: RequestResponseCycle, answer: bytes) -> bool:
    """Send a whole response and end the cycle as uvicorn does after the last part of a body.

    False, and nothing sent, where the client reads too slowly: then the answer must wait, and
    uvicorn's own way knows how.
    """
    if cycle.disconnected:
        return True
    if cycle.flow.write_paused:
        return False
    cycle.response_started = cycle.response_complete = True
    _write(cycle, answer, keep_alive=cycle.keep_alive)
    cycle.message_event.set()
    cycle.on_response()
    return True


def _write(connection: Protocol | RequestResponseCycle, answer: bytes, *, keep_alive: bool) -> None:
    if connection.transport.is_closing():
        return  # refused meanwhile, for what came behind
    if keep_alive:
        connection.transport.write(answer)
        return
    connection.transport.write(answer.replace(_END_OF_HEAD, _CLOSE, 1))
    connection.transport.close()
