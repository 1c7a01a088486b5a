"""Whole HTTP requests, cut and filled: the replica answers or closes, and serves on."""

from __future__ import annotations

import json

import psutil
import pytest
from fuzzed import fuzzed
from hypothesis import strategies as st
from raw_sockets import exchange, statuses, whole
from replicas import CONTENT_TYPE
from wire_values import edited

# Answers to what is refused, besides that it was fine.
REFUSALS = {400, 401, 403, 404, 405, 408, 413, 414, 415, 431}
GROWTH = 64 << 20
PIECES = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b":", b" ", b"\t", b"\x00", b"\xff", b"%", b"?a=b"),
        *(b"\r\nTransfer-Encoding: chunked\r\n", b"\r\nContent-Length: 5\r\n", b"HTTP/1.0"),
        *(b"\r\nContent-Length: 99999999999999999999\r\n", b"\r\nContent-Length: -1\r\n"),
        *(b"\r\nExpect: 100-continue\r\n", b"\r\nConnection: close\r\n", b"0\r\n\r\n", b"5\r\n{}"),
        *(b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", b"\r\n folded", b"GET /", b"//"),
        *(b"\r\nHost: example.com\r\n", b"\r\nOrigin: null\r\n", b"HEAD /metrics HTTP/1.1\r\n\r\n"),
        *(b"x" * 70_000, b"\r\na: b" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01"),
    ]
)


@pytest.fixture(scope="module")
def requests(place):
    """Requests that are fine, by what is special about them."""
    report = json.dumps({"taskId": place.handle}).encode()
    headers = {
        "Host": "127.0.0.1",
        "Content-Type": CONTENT_TYPE,
        "X-Amz-Target": "DataPipeline.ReportTaskProgress",
    }
    chunked = whole(headers | {"Transfer-Encoding": "chunked"}, b"").replace(
        b"Content-Length: 0\r\n", b""
    )
    listing = headers | {"X-Amz-Target": "DataPipeline.ListPipelines"}
    pages = [
        b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % page for page in (b"/healthz", b"/metrics")
    ]
    return [
        whole(headers, report),
        chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(report), report),
        whole(listing, b"{}") * 2,
        *pages,
    ]


@pytest.fixture(scope="module")
def memory(place):
    """The memory of the replica before anything odd was sent to it."""
    return psutil.Process(place.replica.pid).memory_info().rss


def test_the_requests_are_fine_as_they_are(place, requests):
    """Otherwise the test below would prove little."""
    for request in requests:
        found = statuses(exchange(place.replica.port, request, 5))
        assert found
        assert set(found) == {200}


@fuzzed(st.integers(0, 4), st.data())
def test_altered_requests_are_answered_or_dropped(place, requests, memory, tried, index, data):
    """No answer is an internal error, none is waited for in vain, and the memory stays bounded."""
    request = data.draw(edited(st.just(requests[index]), PIECES | st.binary(max_size=3)))
    answers = exchange(place.replica.port, request)
    assert set(statuses(answers)) <= {100, 200} | REFUSALS, (request[:500], answers[:500])
    tried["raw requests"] += 1
    assert psutil.Process(place.replica.pid).memory_info().rss < memory + GROWTH


def test_the_replica_serves_on(place):
    """On both ways, and it has told of no failure of its own."""
    assert place.replica.ready()
    assert place.replica.post("ReportTaskProgress", {"taskId": place.handle}).status == 200
    assert "Traceback" not in place.replica.log
