"""The short way of reports through uvicorn must answer as the long way does, byte for byte."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import struct
import termios
from contextlib import closing
from typing import Any

import pytest
from pipelines import activity, new_group, poll, start
from waiting import wait_until

TARGET = "DataPipeline.ReportTaskProgress"
PLAIN = "application/x-amz-json-1.1"
LONG_WAY = "application/x-amz-json-1.1; charset=utf-8"
REQUEST_ID = re.compile(rb"x-amzn-requestid: [0-9a-f-]{36}\r\n")
DATE = re.compile(rb"\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n")


def _request(body: bytes, content_type: str = PLAIN, *more: str, version: str = "1.1") -> bytes:
    lines = [
        f"POST / HTTP/{version}",
        "Host: 127.0.0.1",
        f"X-Amz-Target: {TARGET}",
        f"Content-Type: {content_type}",
        *more,
    ]
    if not any(line.lower().startswith("transfer-encoding") for line in more):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _connect(replica) -> socket.socket:
    return socket.create_connection(("127.0.0.1", replica.port), timeout=10)


def _answers(sock: socket.socket, count: int) -> list[bytes]:
    """Read `count` whole answers."""
    data, found = b"", []
    while len(found) < count:
        head, end, rest = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head)[1]) if end else 0
        if end and len(rest) >= length:
            found.append(head + end + rest[:length])
            data = rest[length:]
            continue
        received = sock.recv(65536)
        assert received, f"closed after {found!r} {data!r}"
        data += received
    assert not data
    return found


def _ask(replica, request: bytes) -> bytes:
    with closing(_connect(replica)) as sock:
        sock.sendall(request)
        (answer,) = _answers(sock, 1)
    return answer


def _without_id(answer: bytes) -> bytes:
    assert len(DATE.findall(answer)) == len(REQUEST_ID.findall(answer)) == 1
    return REQUEST_ID.sub(b"", DATE.sub(b"\r\n", answer))


@pytest.fixture
def handle(api: Any) -> str:
    """A task handle, not yet acknowledged."""
    return _claim(api)


def _claim(api: Any) -> str:
    group = new_group()
    start(api, activity("A", group))
    return poll(api, group)["taskId"]


def _bodies(handle: str) -> list[bytes]:
    fields = [{"key": "percentComplete", "stringValue": "50"}]
    return [
        json.dumps({"taskId": handle}).encode(),
        json.dumps({"taskId": handle, "fields": fields}).encode(),
        json.dumps({"taskId": handle[:-1]}).encode(),
        json.dumps({"taskId": handle, "fields": [{"key": "k"}]}).encode(),
        b"{}",
        b"[]",
        b"not json",
        b"",
    ]


def test_both_ways_answer_alike(replica, handle):
    """Good and bad reports get the same bytes on the short way and on the long one."""
    for body in _bodies(handle):
        short = _without_id(_ask(replica, _request(body)))
        assert short == _without_id(_ask(replica, _request(body, LONG_WAY))), body


def test_sample_answer_is_eighteen_bytes(replica, handle):
    """The answer to the API reference's sample request is exactly 18 bytes."""
    body = json.dumps(
        {"taskId": handle, "fields": [{"key": "percentComplete", "stringValue": "50"}]}
    )
    head, _, answer = _ask(replica, _request(body.encode())).partition(b"\r\n\r\n")
    assert answer == b'{"canceled":false}'
    assert len(answer) == 18
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")


def test_pipelined_requests_are_answered_in_order(replica, handle):
    """Requests sent in one write, short and long ways mixed, are answered in their order."""
    good, bad = _request(json.dumps({"taskId": handle}).encode()), _request(b"{}")
    health = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    _ask(replica, good)  # the short way is for a Host that has passed before
    with closing(_connect(replica)) as sock:
        sock.sendall(good + bad + health + _request(b"{}", LONG_WAY) + good)
        statuses = [int(answer[9:12]) for answer in _answers(sock, 5)]
    assert statuses == [200, 400, 200, 400, 200]


def test_body_may_come_in_pieces(replica, handle):
    """A request that arrives byte by byte is answered like any other."""
    request = _request(json.dumps({"taskId": handle}).encode())
    with closing(_connect(replica)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(request)):
            sock.sendall(request[place : place + 1])
        (answer,) = _answers(sock, 1)
    assert answer.endswith(b'{"canceled":false}')


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_connection_close_is_obeyed(replica, handle, version):
    """A client that asks for it, or speaks HTTP/1.0, finds the connection closed afterwards."""
    body = json.dumps({"taskId": handle}).encode()
    with closing(_connect(replica)) as sock:
        sock.sendall(_request(body, PLAIN, "Connection: close", version=version))
        (answer,) = _answers(sock, 1)
        assert sock.recv(1) == b""
    assert b"connection: close\r\n" in answer


def test_chunked_and_large_bodies_take_the_long_way(replica, handle):
    """A chunked report, and one larger than the short way takes, are answered all the same."""
    body = json.dumps({"taskId": handle}).encode()
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    request = _request(chunked, PLAIN, "Transfer-Encoding: chunked")
    assert _ask(replica, request).endswith(b'{"canceled":false}')
    large = json.dumps({"taskId": handle, "ignored": "x" * 100_000}).encode()
    assert _ask(replica, _request(large)).endswith(b'{"canceled":false}')


def test_a_padded_length_gets_no_further(replica, handle):
    """A Content-Length with leading zeros, of a body too large for the short way, is answered."""
    body = json.dumps({"taskId": handle, "ignored": "x" * 200_000}).encode()
    head, end, rest = _request(body).partition(b"\r\n\r\n")
    padded = head.replace(b"Content-Length: ", b"Content-Length: 0000000000")
    assert _ask(replica, padded + end + rest).endswith(b'{"canceled":false}')


@pytest.mark.parametrize("expects", [("100-continue",), ("100-Continue", "more")])
def test_expect_continue_is_answered(replica, handle, expects):
    """A client that waits for leave to send its body gets it."""
    body = json.dumps({"taskId": handle}).encode()
    lines = [f"Expect: {each}" for each in expects]
    head, _, _ = _request(body, PLAIN, *lines).partition(b"\r\n\r\n")
    with closing(_connect(replica)) as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        (answer,) = _answers(sock, 1)
    assert answer.endswith(b'{"canceled":false}')


@pytest.mark.parametrize(
    "header", ["Origin: http://127.0.0.1", "Sec-Fetch-Site: cross-site", "Host: evil.example"]
)
def test_guards_hold_on_the_short_way(replica, handle, header):
    """What the guards refuse is refused after a Host has passed before, too."""
    body = json.dumps({"taskId": handle}).encode()
    request = _request(body, PLAIN, header)
    if header.startswith("Host"):
        request = request.replace(b"Host: 127.0.0.1\r\n", b"")
    assert _ask(replica, _request(body)).startswith(b"HTTP/1.1 200")
    answer = _ask(replica, request)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"__type":"InvalidRequestException"' in answer


def test_what_is_not_http_gets_the_shape_of_errors(replica):
    """Bytes that are no HTTP request get an error that an SDK can read, and the connection ends."""
    with closing(_connect(replica)) as sock:
        sock.sendall(b"GARBAGE\r\n\r\n")
        (answer,) = _answers(sock, 1)
        assert sock.recv(1) == b""
    assert answer.startswith(b"HTTP/1.1 400")
    assert REQUEST_ID.search(answer)
    assert b'"__type":"InvalidRequestException"' in answer


@pytest.mark.parametrize("content_type", [PLAIN, LONG_WAY])
@pytest.mark.parametrize("behind", [b"\x00", b"{}", b"GET / HTTP/9\r\n\r\n"])
def test_what_stands_behind_a_request_does_not_cost_its_answer(
    replica, handle, content_type, behind
):
    """The answer is the last of its connection, and the log tells of no failure."""
    seen = len(replica.log)
    with closing(_connect(replica)) as sock:
        sock.sendall(_request(_bodies(handle)[0], content_type) + behind)
        (answer,) = _answers(sock, 1)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert sock.recv(1) == b""
    assert "Traceback" not in replica.log[seen:]


def test_a_body_that_breaks_off_is_refused(replica):
    """In the shape of errors, at once, though more of it was to come."""
    seen = len(replica.log)
    with closing(_connect(replica)) as sock:
        sock.sendall(_request(b"5\r\n{", PLAIN, "Transfer-Encoding: chunked") + b"....\r\nno\r\n")
        (answer,) = _answers(sock, 1)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert sock.recv(1) == b""
    assert "Traceback" not in replica.log[seen:]


def test_client_that_leaves_disturbs_nobody(replica, handle):
    """Reports whose clients do not wait for the answer are carried out, and others are answered."""
    body = json.dumps({"taskId": handle}).encode()
    for _ in range(50):
        with closing(_connect(replica)) as sock:
            sock.sendall(_request(body))
    assert _ask(replica, _request(body)).endswith(b'{"canceled":false}')


def test_report_under_way_is_answered_at_shutdown(new_replica, new_server):
    """A replica told to stop while Redis is slow answers the report first, then ends."""
    server = new_server("valkey")
    replica = new_replica(server.url)
    client = replica.client()
    handle = _claim(client)
    client.close()
    report = _request(json.dumps({"taskId": handle}).encode())
    _ask(replica, report)  # the short way is for a Host that has passed before
    with closing(_connect(replica)) as sock:
        server.pause()
        sock.sendall(report)
        wait_until(lambda: _received(sock))
        os.kill(replica.pid, signal.SIGTERM)
        wait_until(lambda: _refuses(replica))
        server.resume()
        (answer,) = _answers(sock, 1)
    assert answer.endswith(b'{"canceled":false}')
    assert replica.stop() == 0
    assert "Cancel" not in replica.log  # what uvicorn does to tasks that do not end


def _received(sock: socket.socket) -> bool:
    """Whether the other side has taken all that was sent: nothing waits for its acknowledgement."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0" * 4))[0] == 0


def _refuses(replica) -> bool:
    try:
        _connect(replica).close()
    except ConnectionRefusedError:
        return True
    return False
