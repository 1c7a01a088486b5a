"""Signed requests with one bit changed, or signed by the wrong one: refused, nothing changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from unittest import mock

import botocore.auth
import pytest
from fuzzed import fuzzed
from gate import PAIRS, error
from hypothesis import strategies as st
from pipelines import activity, every_call, new_group, poll, start
from raw_sockets import exchange, first_error, statuses
from replicas import Pair
from signing import signed

from coordinator.wire.operations import OPERATIONS

MISMATCH, INVALID = "InvalidSignatureException", "InvalidRequestException"
INCOMPLETE, EXPIRED = "IncompleteSignature", "RequestExpired"
UNKNOWN, NONE = "UnrecognizedClientException", "MissingAuthenticationToken"
# What may be said of a bit in each part; bytes that are no HTTP at all are an invalid request.
ERRORS = {
    "method": {INVALID},
    "path": {INVALID},
    "query": {MISMATCH, INVALID},
    "name": {MISMATCH, INCOMPLETE, NONE, INVALID},
    "authorization": {MISMATCH, INCOMPLETE, UNKNOWN, INVALID},
    "x-amz-date": {MISMATCH, INCOMPLETE, EXPIRED, INVALID},
    "content-type": {MISMATCH, INVALID},
    "host": {MISMATCH, INVALID},
    "x-amz-target": {MISMATCH, INVALID},
    "x-amz-meta": {MISMATCH, INVALID},
    "body": {MISMATCH},
}
CASE = 0x20


class Parts:
    """A signed request in its parts, each with the bits that can be changed in it."""

    def __init__(self, gate, who, operation, members, query="a=b&c=d-e"):
        self.body = json.dumps(members).encode()
        url = f"{gate.replica.url}/?{query}"
        headers = signed(PAIRS[who], operation, self.body, url, {"X-Amz-Meta": "1 2"})
        parts = [("method", b"POST"), ("", b" "), ("path", b"/"), ("", b"?")]
        parts += [("query", query.encode()), ("", b" HTTP/1.1\r\n")]
        for name, value in headers.items():
            parts += [("name", name.encode()), ("", b": "), (name.lower(), value.encode())]
            parts += [("", b"\r\n")]
        length = b"Content-Length: %d\r\n\r\n" % len(self.body)
        self.parts = [*parts, ("", length), ("body", self.body)]

    def whole(self):
        """The request as it was signed."""
        return b"".join(value for _, value in self.parts)

    def bits(self):
        """Every bit of what was signed: its part, and the request with this bit changed."""
        whole, at = self.whole(), 0
        for kind, value in self.parts:
            for bit in range(len(value) * 8 if kind else 0):
                mask = 1 << bit % 8
                if kind == "name" and mask == CASE and value[bit // 8 : bit // 8 + 1].isalpha():
                    continue  # names of headers are the same in either case
                changed = bytearray(whole)
                changed[at + bit // 8] ^= mask
                yield kind, bytes(changed)
            at += len(value)


@pytest.fixture(scope="module")
def task(gate):
    """A task handed out to `runner`: pipeline and handle."""
    clients = [gate.replica.client_of(PAIRS[who]) for who in ("operator", "runner")]
    group = f"etl-{new_group()}"
    pipeline = start(clients[0], activity("A", group))
    handle = poll(clients[1], group)["taskId"]
    for client in clients:
        client.close()
    return pipeline, handle


def refused(gate, kind, request):
    """Send a request that must be refused, in the shape of its error."""
    answers = exchange(gate.replica.port, request, first_seconds=10)
    assert statuses(answers)[0] in {400, 403, 405}, (kind, request, answers)
    assert first_error(answers) in ERRORS[kind], (kind, request, answers)


def test_each_bit_of_a_result(gate, task, tried):
    """Of method, path, query, each signed header and the body; as it was signed it is accepted."""
    members = {"taskId": task[1], "taskStatus": "FINISHED"}
    parts, before = Parts(gate, "runner", "SetTaskStatus", members), gate.state()
    kinds = set()
    for kind, request in parts.bits():
        refused(gate, kind, request)
        kinds.add(kind)
        tried["bits"] += 1
    assert kinds == set(ERRORS)
    assert gate.state() == before
    assert statuses(exchange(gate.replica.port, parts.whole(), 10)) == [200]
    assert gate.state() != before


@fuzzed(st.sampled_from(list(OPERATIONS)), st.integers(0, 10**6))
def test_a_bit_of_any_call(gate, task, tried, operation, number):
    """Whatever it would have done is not done."""
    members = every_call(*task)[operation]
    bits = list(Parts(gate, "operator", operation, members, query="").bits())
    before = gate.state()
    refused(gate, *bits[number % len(bits)])
    tried["bits"] += 1
    assert gate.state() == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_wrong_caller_of_any_call(gate, task, tried, operation):
    """Wrong secret, unknown and disabled key, no signature, an old date: each has its error."""
    members, before = every_call(*task)[operation], gate.state()
    body, url = json.dumps(members).encode(), gate.replica.url + "/"
    then = datetime.now(UTC) - timedelta(minutes=6)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=then):
        old = signed(PAIRS["operator"], operation, body, url)
    wrong = Pair(PAIRS["operator"].access_key, "another/secret/altogether")
    bare = signed(wrong, operation, body, url)
    del bare["Authorization"]
    for headers, status, name in (
        (signed(wrong, operation, body, url), 400, MISMATCH),
        (signed(Pair("KEY_nobody", "x" * 20), operation, body, url), 400, UNKNOWN),
        (signed(PAIRS["off"], operation, body, url), 400, UNKNOWN),
        (bare, 403, NONE),
        (old, 400, EXPIRED),
    ):
        assert error(gate.replica.send("POST", "/", body, headers), status)[0] == name
        tried["callers"] += 1
    assert gate.state() == before
