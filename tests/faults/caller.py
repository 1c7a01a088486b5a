"""Calls at any of several replicas, repeated as SDKs do, each written down as a `Call`.

A call is written down as unknown before it is sent, and again with its answer.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from history import Call

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from history import Recorder

SERVER_FAULT = 500
POLL_TIMEOUT = 8  # seconds; longer than any answer takes
TIMEOUT = 4
AGAIN = (0.03, 0.3)  # seconds before the next try, after a replica did not answer
REASONS = {"LEASE_LOST": "superseded", "CANCELED": "canceled", "DELETED": "deleted"}
# These do at most one thing however often they are tried, so all tries are one call.
ONE_EFFECT = {"poll", "cancel", "rerun", "delete"}


class Answer(NamedTuple):
    """What a replica said."""

    status: int
    body: dict[str, Any]
    verdict: str


class Connection:
    """A connection to one replica, made again after trouble."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def post(self, body: str, headers: dict[str, str], timeout: float) -> Answer | None:
        """Return the answer; None if there is none, or the server is at fault."""
        self._connection.timeout = timeout
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        try:
            self._connection.request("POST", "/", body, headers)
            response = self._connection.getresponse()
            text = response.read()
            answer = json.loads(text or b"{}")
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return None
        if response.status >= SERVER_FAULT:
            return None
        verdict = answer.get("__type") or response.getheader("x-coordinator-verdict") or ""
        return Answer(response.status, answer, REASONS.get(answer.get("reason"), verdict))

    def close(self) -> None:
        """Close it."""
        self._connection.close()


class Caller:
    """One client: it makes one call after the other.

    Args:
        client: its name in the history.
        ports: of the replicas.
        recorder: writes them down.
        chance: its dice.
        stopped: when set, calls are not tried again.
    """

    def __init__(
        self,
        client: str,
        ports: Sequence[int],
        recorder: Recorder,
        chance: random.Random,
        stopped: threading.Event | None = None,
    ) -> None:
        self.client = client
        self._recorder = recorder
        self._chance = chance
        self._connections = [Connection(port) for port in ports]
        self._stopped = stopped or threading.Event()

    def call(
        self, op: str, operation: str, body: dict[str, Any], tries: int = 1_000_000, **about: Any
    ) -> Answer | None:
        """Try until a replica answers; None if none of the tries was answered.

        `op` is that of `Call`, or empty: not written down. `about` has the members that say what
        the call is about.
        """
        invocation, text = uuid.UUID(int=self._chance.getrandbits(128)).hex, json.dumps(body)
        noted = None
        for attempt in range(1, tries + 1):
            if op and (noted is None or op not in ONE_EFFECT):
                noted = self._begin(op, about)
            answer = self._try(operation, text, invocation, attempt)
            if answer is not None:
                if noted is not None:
                    self._end(noted, answer)
                return answer
            if self._stopped.wait(self._chance.uniform(*AGAIN)):
                break
        return None

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            connection.close()

    def _try(self, operation: str, text: str, invocation: str, attempt: int) -> Answer | None:
        headers = {
            "X-Amz-Target": f"DataPipeline.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "amz-sdk-invocation-id": invocation,
            "amz-sdk-request": f"attempt={attempt}; max=1000000",
        }
        timeout = POLL_TIMEOUT if operation == "PollForTask" else TIMEOUT
        return self._chance.choice(self._connections).post(text, headers, timeout)

    def _begin(self, op: str, about: dict[str, Any]) -> Call:
        call = Call(client=self.client, op=op, invoked=time.monotonic(), **about)
        self._recorder.write(call)
        return call

    def _end(self, call: Call, answer: Answer) -> None:
        outcome = "ok" if answer.status == 200 else "refused"
        task = given(answer.body) if call.op == "poll" else {}
        verdict = answer.verdict
        if call.op == "poll" and outcome == "ok":
            verdict = "granted" if task else "empty"
        self._recorder.write(
            msgspec.structs.replace(
                call, returned=time.monotonic(), outcome=outcome, verdict=verdict, **task
            )
        )


def given(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a poll's answer says of the task that it hands out, as members of `Call`."""
    task = answer.get("taskObject")
    if task is None:
        return {}
    described = task["objects"][task["attemptId"]]
    fields = {field["key"]: field.get("stringValue") for field in described["fields"]}
    return {
        "pipeline": task["pipelineId"],
        "instance": f"{task['pipelineId']}/{task['attemptId'].partition('_Attempt=')[0]}",
        "handle": task["taskId"],
        "token": int(fields["@fencingToken"]),
        "attempt": int(fields["@attemptCount"]),
    }
