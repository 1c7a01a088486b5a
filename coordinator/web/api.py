"""``POST /``: the API, answered by a plain ASGI callable in front of the FastAPI application.

What a ReportTaskProgress costs here: one pass over the headers, one msgspec decode, one script
call, one constant answer. FastAPI's own layers would cost three times the whole of it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from coordinator.errors import CoordinatorError, LeaseLostError
from coordinator.service.caller import Caller
from coordinator.service.waiters import Presence
from coordinator.web.body import ClientGoneError, read_body
from coordinator.web.guards import HostGuard
from coordinator.web.handlers import Call, Handlers
from coordinator.web.replies import MethodNotAllowedError, Replies, failure
from coordinator.wire.codec import decode
from coordinator.wire.operations import OPERATIONS, operation_named
from coordinator.wire.targets import check_content_type, operation_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from coordinator.service.coordinator import Coordinator

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)
ACCOUNT = "local"
MOST_ID, MOST_DIGITS = 256, 4
TASK_CALLS = frozenset({"PollForTask", "ReportTaskProgress", "SetTaskStatus"})
_REPORT = OPERATIONS["ReportTaskProgress"]
# The answer to a report, by verdict: the body, and what the verdict header says.
REPORT_ANSWERS = {
    "accepted": (b'{"canceled":false}', b"accepted"),
    "repeat": (b'{"canceled":false}', b"repeat"),
    "superseded": (b'{"canceled":true,"reason":"LEASE_LOST"}', b"superseded"),
    "canceled": (b'{"canceled":true,"reason":"CANCELED"}', b"canceled"),
    "deleted": (b'{"canceled":true,"reason":"DELETED"}', b"canceled"),
}


class Api:
    """Routes ``/`` to the API's operations and everything else to `pages`."""

    def __init__(self, coordinator: Coordinator, pages: App) -> None:
        self._tasks = coordinator.tasks
        self._metrics = coordinator.metrics
        self._handlers = Handlers(coordinator).table()
        self._pages = pages
        self._guard = HostGuard(coordinator.settings.allowed_hosts)
        self._max_body = coordinator.settings.max_body
        self._replies = Replies()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http" or scope["path"] != "/":
            await self._pages(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        operation, verdict, error_name, status = "", b"unknown", "", 200
        try:
            if scope["method"] != "POST":
                raise MethodNotAllowedError  # noqa: TRY301 - answered like every other fault
            self._guard.check(headers)
            check_content_type(headers.get(b"content-type"))
            operation = operation_of(headers.get(b"x-amz-target"), scope["query_string"])
            body = await read_body(headers, receive, self._max_body)
            answer, verdict = await self._answer(operation, headers, body, receive)
        except CoordinatorError as error:
            status, error_name, answer = failure(error)
            if isinstance(error, LeaseLostError):
                verdict = b"superseded"
        except ClientGoneError:
            return
        except Exception as error:
            log.exception("%s failed", operation or "a request")
            status, error_name, answer = failure(error)
        if error_name:
            self._metrics.errors[error_name] += 1
        shown = verdict if operation in TASK_CALLS else b""
        await self._replies.send(send, status, answer, shown, error_name)

    async def _answer(
        self, operation: str, headers: dict[bytes, bytes], body: bytes, receive: Receive
    ) -> tuple[bytes, bytes]:
        """Carry out an operation: the body of the answer, and the verdict for a task call."""
        if operation == "ReportTaskProgress":
            report: Any = decode(_REPORT, body)
            return REPORT_ANSWERS[await self._tasks.report(ACCOUNT, report.task_id, report.fields)]
        known = operation_named(operation)
        request = decode(known, body)
        call = Call(_caller(headers), operation, body, Presence())
        handler = self._handlers[operation]
        if operation != "PollForTask":
            return await handler(call, request), call.verdict
        watch = asyncio.ensure_future(_watch(receive, call.presence))
        try:
            answer = await handler(call, request)
        finally:
            watch.cancel()
        return answer, call.verdict


def _caller(headers: dict[bytes, bytes]) -> Caller:
    """Read who calls; what SDKs say of repeats stands in two unsigned headers."""
    invocation = headers.get(b"amz-sdk-invocation-id", b"").decode("latin-1")
    attempt = headers.get(b"amz-sdk-request", b"").decode("latin-1")
    number = attempt.partition("attempt=")[2].partition(";")[0].strip()
    credential = headers.get(b"authorization", b"").decode("latin-1").partition("Credential=")[2]
    return Caller(
        ACCOUNT,
        credential.partition("/")[0],
        invocation[:MOST_ID],
        int(number) if number.isdecimal() and number.isascii() and len(number) < MOST_DIGITS else 1,
    )


async def _watch(receive: Receive, presence: Presence) -> None:
    """Notice that the client of a long poll leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    presence.leave()
