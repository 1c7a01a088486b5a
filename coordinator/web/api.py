"""``POST /``: the API, answered by a plain ASGI callable in front of the FastAPI application.

What a ReportTaskProgress costs here: one pass over the headers, one msgspec decode, one script
call, one constant answer. FastAPI's own layers would cost three times the whole of it.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from coordinator.errors import InvalidRequestError, LeaseLostError
from coordinator.service.access import ANYBODY
from coordinator.service.caller import Caller
from coordinator.service.limits import Polling, Rates
from coordinator.service.waiters import Presence
from coordinator.web.audit import Audit, Seen
from coordinator.web.body import ClientGoneError, check_encoding, read_body
from coordinator.web.connections import Connections
from coordinator.web.guards import HostGuard
from coordinator.web.handlers import Call, Handlers
from coordinator.web.refusals import MethodNotAllowedError, limit_of, retry_of
from coordinator.web.replies import Outcome, Replies, failure
from coordinator.wire.codec import decode
from coordinator.wire.faults import FAULTS
from coordinator.wire.operations import OPERATIONS, operation_named
from coordinator.wire.targets import CONTENT_TYPE, check_content_type, operation_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from coordinator.domain.credentials import Credential
    from coordinator.errors import CoordinatorError
    from coordinator.service.coordinator import Coordinator
    from coordinator.wire.operations import Operation

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Message, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)
MOST_ID, MOST_DIGITS = 256, 4
NO_OPERATION = "none"
TASK_CALLS = frozenset({"PollForTask", "ReportTaskProgress", "SetTaskStatus"})
MOST_AT_ONCE = 65536
# What needs no traceback in the log: everything else is a fault of ours.
EXPECTED = (*FAULTS,)
REPORT_TARGET = b"DataPipeline.ReportTaskProgress"
PLAIN_TYPE = CONTENT_TYPE.encode()
POLL, REPORT = "PollForTask", "ReportTaskProgress"

# The answer to a report by verdict.
REPORT_OUTCOMES = {
    "accepted": Outcome(b'{"canceled":false}', b"accepted"),
    "repeat": Outcome(b'{"canceled":false}', b"repeat"),
    "superseded": Outcome(b'{"canceled":true,"reason":"LEASE_LOST"}', b"superseded"),
    "canceled": Outcome(b'{"canceled":true,"reason":"CANCELED"}', b"canceled"),
    "deleted": Outcome(b'{"canceled":true,"reason":"DELETED"}', b"canceled"),
}
_ACCEPTED = REPORT_OUTCOMES["accepted"]
_REPORT = OPERATIONS[REPORT]


class Api:
    """Routes ``/`` to the API's operations and everything else to `pages`."""

    def __init__(self, coordinator: Coordinator, pages: App, audit: Audit) -> None:
        self._tasks = coordinator.tasks
        self._metrics = coordinator.metrics
        self._requests = coordinator.metrics.requests
        self._requests.begin((*OPERATIONS, NO_OPERATION))
        self._health = coordinator.health
        self._handlers = Handlers(coordinator).table()
        self._pages = pages
        self._access = coordinator.access
        self._guard = HostGuard(
            coordinator.settings.allowed_hosts, signed=coordinator.access.signed
        )
        self._max_body = coordinator.settings.max_body
        self._replies = Replies()
        self._rates = Rates(coordinator.settings.rates) if coordinator.settings.rates else None
        self._polling = Polling(coordinator.settings.max_polls)
        self.connections = Connections(coordinator.settings, coordinator.metrics.limited)
        self._audit = audit

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http" or scope["path"] != "/":
            await self._pages(scope, receive, send)
            return
        seen = Seen(scope.get("client"), perf_counter(), scope["headers"])
        try:
            outcome = await self._outcome(scope, receive, seen)
        except ClientGoneError:
            return
        self._count(seen.operation, outcome.status, seen.began)
        request_id = self._replies.next_id()
        self._audit.tell(request_id, seen, outcome)
        await self._replies.send(scope, send, request_id, *outcome)

    @property
    def stopping(self) -> bool:
        """Whether each answer is to be the last of its connection."""
        return self._health.stopping

    def is_plain_report(self, headers: dict[bytes, bytes]) -> bool:
        """Whether `report` may answer a request with these headers."""
        return (
            headers.get(b"x-amz-target") == REPORT_TARGET
            and headers.get(b"content-type") == PLAIN_TYPE
            and self._guard.passes(headers)
            and b"content-encoding" not in headers
        )

    async def report(
        self,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        client: Sequence[Any] | None = None,
    ) -> bytes:
        """Answer a ReportTaskProgress with a whole HTTP response; never raises.

        The audit trail costs an accepted report 0.1 µs, unless all calls are to be in it.
        """
        began = perf_counter()
        credential = None if self._access.signed else ANYBODY  # as `admitted`, without its calls
        try:
            if credential is None:
                known = self._access.known(headers)
                credential = await self._access.admitted(known, REPORT, body)
            if self._rates is not None:
                self._rates.take(credential.account, REPORT)
            outcome = await self._report(credential, body)
        except Exception as error:  # noqa: BLE001 - shaped and logged by _failed
            outcome = self._failed(REPORT, error)
        self._requests.answered(REPORT, outcome.status, began)
        request_id = self._replies.next_id()
        if outcome is not _ACCEPTED or self._audit.everything:
            seen = Seen(client, began, headers, REPORT, credential, body)
            self._audit.tell(request_id, seen, outcome)
        return self._replies.render(request_id, *outcome)

    def not_http(self, message: str, client: Sequence[Any] | None = None) -> bytes:
        """Return the answer to bytes that are no HTTP request."""
        return self.refusal(InvalidRequestError(message), client)

    def refusal(self, error: CoordinatorError, client: Sequence[Any] | None = None) -> bytes:
        """Return the answer to a request that is refused before it is a call."""
        began = perf_counter()
        outcome = self._failed("", error)
        self._count("", outcome.status, began)
        request_id = self._replies.next_id()
        self._audit.tell(request_id, Seen(client, began), outcome)
        return self._replies.render(request_id, *outcome)

    async def _report(self, credential: Credential, body: bytes) -> Outcome:
        is_small = len(body) <= MOST_AT_ONCE  # nearly all are, and a coroutine costs time
        request: Any = decode(_REPORT, body) if is_small else await _decoded(_REPORT, body)
        caller = Caller(credential.account, credential.access_key, "", 1, credential.worker_groups)
        verdict = await self._tasks.report(caller, request.task_id, request.fields)
        return REPORT_OUTCOMES[verdict]

    async def _outcome(self, scope: Message, receive: Receive, seen: Seen) -> Outcome:
        """Carry out the operation that a request names; every failure becomes an answer."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            if scope["method"] != "POST":
                raise MethodNotAllowedError  # noqa: TRY301 - answered like every other fault
            self._guard.check(headers)
            check_content_type(headers.get(b"content-type"))
            check_encoding(headers.get(b"content-encoding"))
            query: bytes = scope["query_string"]
            seen.operation = operation = operation_of(
                headers.get(b"x-amz-target"), b"" if self._access.signed else query
            )
            known = self._access.known(scope["headers"], query)
            seen.body = body = await read_body(headers, receive, self._max_body)
            seen.credential = await self._access.admitted(known, operation, body)
            if self._rates is not None:
                self._rates.take(seen.credential.account, operation)
            if operation == REPORT:
                return await self._report(seen.credential, body)
            return await self._handle(seen, _caller(seen.credential, headers), body, receive)
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001 - shaped and logged by _failed
            return self._failed(seen.operation, error)

    async def _handle(self, seen: Seen, caller: Caller, body: bytes, receive: Receive) -> Outcome:
        operation = seen.operation
        seen.request = request = await _decoded(operation_named(operation), body)
        may_stay = partial(self._access.still, seen.credential) if seen.credential else None
        seen.call = call = Call(caller, operation, body, Presence(may_stay))
        handler = self._handlers[operation]
        if operation != POLL:
            answer = await handler(call, request)
            return Outcome(answer, call.verdict if operation in TASK_CALLS else b"")
        watch = asyncio.ensure_future(_watch(receive, call.presence))
        try:
            with self._polling.of(caller.account):
                return Outcome(await handler(call, request), call.verdict)
        finally:
            watch.cancel()

    def _count(self, operation: str, status: int, began: float) -> None:
        known = operation if operation in OPERATIONS else NO_OPERATION  # names that clients make up
        self._requests.answered(known, status, began)

    def _failed(self, operation: str, error: Exception) -> Outcome:
        if not isinstance(error, EXPECTED):
            log.error("%s failed", operation or "a request", exc_info=error)
        status, name, body = failure(error)
        self._metrics.errors[name] += 1
        if limit := limit_of(error):
            self._metrics.limited[limit] += 1
        verdict = b"superseded" if isinstance(error, LeaseLostError) else b"unknown"
        return Outcome(
            body, verdict if operation in TASK_CALLS else b"", status, name, retry_of(error)
        )


async def _decoded(operation: Operation, body: bytes) -> Any:
    """Decode a body, beside the event loop where it is so large that other callers would wait."""
    if len(body) <= MOST_AT_ONCE:
        return decode(operation, body)
    return await asyncio.to_thread(decode, operation, body)


def _caller(credential: Credential, headers: dict[bytes, bytes]) -> Caller:
    """Read who calls; what SDKs say of repeats stands in two unsigned headers."""
    invocation = headers.get(b"amz-sdk-invocation-id", b"").decode("latin-1")
    attempt = headers.get(b"amz-sdk-request", b"").decode("latin-1")
    number = attempt.partition("attempt=")[2].partition(";")[0].strip()
    return Caller(
        credential.account,
        credential.access_key or _unchecked_key(headers),
        invocation[:MOST_ID],
        int(number) if number.isdecimal() and number.isascii() and len(number) < MOST_DIGITS else 1,
        credential.worker_groups,
    )


def _unchecked_key(headers: dict[bytes, bytes]) -> str:
    """Return the access key that a client of an open service may have signed with, all the same."""
    credential = headers.get(b"authorization", b"").decode("latin-1").partition("Credential=")[2]
    return credential.partition("/")[0]


async def _watch(receive: Receive, presence: Presence) -> None:
    """Notice that the client of a long poll leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    presence.leave()
