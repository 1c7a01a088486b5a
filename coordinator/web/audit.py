"""The audit trail: one line for each call that changed something or was refused, or for all calls.

A line tells who called what and what came of it, in fields that hold nothing a caller could make up
or would hide: operations of this API, pipeline ids of our form, the numbers of a task handle rather
than the handle, the error's name rather than its sentence. Lines of refused calls are bounded, so
that who may not call cannot fill the disk either; how many were left out is said.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from coordinator.domain.credentials import READS
from coordinator.domain.ids import decode_handle, shard_of
from coordinator.errors import InvalidRequestError, PipelineNotFoundError, TaskNotFoundError
from coordinator.wire.codec import decode
from coordinator.wire.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from coordinator.domain.credentials import Credential
    from coordinator.service.keyring import Keyring
    from coordinator.web.handlers import Call
    from coordinator.web.replies import Outcome

log = logging.getLogger("coordinator.audit")
POLL: Final = "PollForTask"
CHANGES: Final = (
    OPERATIONS.keys() - READS - {POLL, "ReportTaskProgress", "ReportTaskRunnerHeartbeat"}
)
DENIED: Final = "AccessDeniedException"
REFUSED_EACH_SECOND: Final = 20
MOST_BODY: Final = 65536
_DONE = (b"", b"accepted")
# The start of an access key id that is none of ours: all of it may be a secret in the wrong place.
_CLAIMED = re.compile(rb"Credential=(\w{1,128})/")
_NAME = re.compile(r"\w{1,128}", re.ASCII)
_SHOWN = 6


@dataclass(slots=True)
class Seen:
    """What is known of a call when it is answered; what is refused early leaves much of it out.

    Of a page there are its path and the name that was given by HTTP Basic.
    """

    client: Sequence[Any] | None  # host and port of the peer
    began: float  # by `perf_counter`
    headers: Sequence[tuple[bytes, bytes]] = ()
    operation: str = ""
    credential: Credential | None = None  # that signed
    body: bytes = b""
    request: msgspec.Struct | None = None
    call: Call | None = None
    page: str = ""
    reader: str = ""


class Audit:
    """Writes the trail of one replica, as ``COORDINATOR_AUDIT`` says."""

    def __init__(self, mode: str, keyring: Keyring | None) -> None:
        self._off = mode == "off"
        self._keyring = keyring
        self.everything = mode == "all"
        # Who has signed is not hidden by a flood of strangers.
        self._strangers, self._callers = Bound("strangers"), Bound("callers")

    def tell(self, request_id: bytes, seen: Seen, outcome: Outcome) -> None:
        """Write the line of an answered call, if it is to have one.

        An accepted report does not come here unless `everything` is asked for. A line costs about
        40 µs.
        """
        if self._off:
            return
        if outcome.error or outcome.verdict not in _DONE:
            bound = self._callers if _is_signed(seen, outcome) else self._strangers
            if not bound.passes():
                return
        elif not self.everything and seen.operation not in CHANGES:
            return
        log.info("call", extra=self._fields(request_id, seen, outcome))

    def _fields(self, request_id: bytes, seen: Seen, outcome: Outcome) -> dict[str, object]:
        """Return the fields of a line; those that do not apply are not there."""
        claimed = "" if seen.credential else _claimed(seen)
        named = seen.credential or (self._keyring and self._keyring.find(claimed))
        fields = {
            "request_id": request_id.decode(),
            "account": named.account if named else "",
            "access_key": named.access_key if named else "",
            "claimed_key": claimed[:_SHOWN] + "…" if claimed and not named else "",
            "operation": seen.operation if seen.operation in OPERATIONS else "",
            "page": seen.page,
            **(_about(seen, named.account) if named and _is_signed(seen, outcome) else {}),
            "verdict": outcome.verdict.decode(),
            "error": outcome.error,
        }
        told: dict[str, object] = {name: value for name, value in fields.items() if value != ""}
        told["status"] = outcome.status
        told["duration_ms"] = round((perf_counter() - seen.began) * 1000, 3)
        told["remote"] = seen.client[0] if seen.client else "local"
        return told


class Bound:
    """So many lines a second; the rest is counted, and told once the second is over."""

    def __init__(self, whose: str, most: int = REFUSED_EACH_SECOND) -> None:
        self._whose, self._most = whose, most
        self._until = 0.0
        self._passed = self._left_out = 0

    def passes(self) -> bool:
        """Whether a line may be written now."""
        now = monotonic()
        if now >= self._until:
            self._until, self._passed = now + 1, 0
        if self._passed < self._most:
            self._passed += 1
            return True
        if not self._left_out:
            asyncio.get_running_loop().call_later(self._until - now, self._tell)
        self._left_out += 1
        return False

    def _tell(self) -> None:
        fields = {"left_out": self._left_out, "whose": self._whose}
        self._left_out = 0
        log.info("refused calls are left out", extra=fields)


def _is_signed(seen: Seen, outcome: Outcome) -> bool:
    return seen.credential is not None or outcome.error == DENIED


def _about(seen: Seen, account: str) -> dict[str, str | int]:
    """Return the pipeline that a call names, or the pipeline and the numbers of its task."""
    request: Any = seen.request or _decoded(seen)
    made = seen.call.made if seen.call else ""
    if task := getattr(request, "task_id", "") or (made if seen.operation == POLL else ""):
        return _task(account, task)
    several: Any = getattr(request, "pipeline_ids", ())
    one = several[0] if len(several) == 1 else getattr(request, "pipeline_id", "")
    return _pipeline(one or made)


def _decoded(seen: Seen) -> msgspec.Struct | None:
    """Decode a report, or a request that was denied; what is large would hold others up."""
    if seen.operation not in OPERATIONS or len(seen.body) > MOST_BODY:
        return None
    try:
        return decode(OPERATIONS[seen.operation], seen.body)
    except InvalidRequestError:  # which has been answered
        return None


def _task(account: str, handle: str) -> dict[str, str | int]:
    try:
        found = decode_handle(account, handle)
    except TaskNotFoundError:
        return {}
    return {"pipeline": found.pipeline_id, "instance": found.n, "attempt": found.attempt}


def _pipeline(pipeline_id: str) -> dict[str, str | int]:
    try:
        shard_of(pipeline_id)
    except PipelineNotFoundError:
        return {}
    return {"pipeline": pipeline_id}


def _claimed(seen: Seen) -> str:
    """Return the access key id that a request names, whether it is one or not."""
    if _NAME.fullmatch(seen.reader):
        return seen.reader
    found = _CLAIMED.search(dict(seen.headers).get(b"authorization", b""))
    return found[1].decode() if found else ""
