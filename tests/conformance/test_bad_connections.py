"""Clients that are slow, break off, or do not speak HTTP."""

from __future__ import annotations

import json
import socket
from contextlib import closing

import pytest
from refusing import REPORT
from replicas import CONTENT_TYPE, address_of
from waiting import wait_until


def head(length, *more):
    """The head of a ReportTaskProgress with a body of this length."""
    lines = [
        "POST / HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-Amz-Target: {REPORT}",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {length}",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connected(place):
    """A connection to the replica."""
    return closing(socket.create_connection(address_of(place.replica), timeout=10))


def everything(sock):
    """All that the server sends until it closes."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize("sent", [0, 1, 30])
@pytest.mark.parametrize("reset", [True, False])
def test_a_client_that_closes_within_its_body(place, sent, reset):
    """There is nobody to answer, nothing changes, and nothing is logged as a failure."""
    before, log = place.state(), len(place.replica.log)
    body = json.dumps({"taskId": place.handle}).encode()
    with connected(place) as sock:
        sock.sendall(head(len(body)) + body[:sent])
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert place.replica.post("ListPipelines", {}).status == 200
    assert place.state() == before
    assert place.replica.log[log:] == ""


def test_a_client_that_closes_within_its_head(place):
    """Likewise."""
    before = place.state()
    for cut in (1, 10, 60, 100):
        with connected(place) as sock:
            sock.sendall(head(10)[:cut])
    assert place.replica.post("ListPipelines", {}).status == 200
    assert place.state() == before


def test_a_slow_client_keeps_nobody_waiting(place):
    """Others are answered while its body comes byte by byte; in the end it is too."""
    body = json.dumps({"taskId": "t-1"}).encode()
    with connected(place) as sock:
        sock.sendall(head(len(body), "Connection: close"))
        for n in range(len(body)):
            sock.sendall(body[n : n + 1])
            assert place.replica.get("/healthz").status == 200
        assert b"TaskNotFoundException" in everything(sock)


def test_clients_that_send_nothing_keep_nobody_waiting(place):
    """A hundred idle connections and half requests cost memory only."""
    idle = [socket.create_connection(address_of(place.replica)) for _ in range(100)]
    for sock in idle[50:]:
        sock.sendall(head(100))
    assert place.replica.post("ListPipelines", {}).status == 200
    for sock in idle:
        sock.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 100,
    ],
)
def test_what_is_not_http(place, sent):
    """An error in the usual shape, and the connection is closed."""
    before = place.state()
    with connected(place) as sock:
        sock.sendall(sent)
        answer = everything(sock)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"x-amzn-errortype: InvalidRequestException\r\n" in answer
    assert b"x-amzn-requestid: " in answer
    fault = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert fault["__type"] == "InvalidRequestException"
    assert fault["message"].endswith(".")
    assert place.state() == before


def test_a_body_that_is_announced_too_large_is_refused_at_once(place):
    """Before any of it is sent."""
    with connected(place) as sock:
        sock.sendall(head(30 << 20))
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_requests_in_one_write_are_answered_in_order(place):
    """A refused one does not spoil the next on its connection."""
    good, bad = json.dumps({"taskId": place.handle}).encode(), b"{"
    with connected(place) as sock:
        last = head(len(good), "Connection: close") + good
        sock.sendall(head(len(bad)) + bad + head(len(good)) + good + last)
        answers = everything(sock)
    found = [part.split()[0] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert found == [b"400", b"200", b"200"]


def test_a_body_in_chunks_is_read(place):
    """However small they are."""
    body = json.dumps({"taskId": "t-1"}).encode()
    headers = {"X-Amz-Target": REPORT, "Content-Type": CONTENT_TYPE}
    chunks = (body[n : n + 1] for n in range(len(body)))
    answer = place.replica.send("POST", "/", chunks, headers)
    assert answer.headers["x-amzn-errortype"] == "TaskNotFoundException"


def test_an_old_client_is_answered(place):
    """HTTP/1.0, with a Host; the connection is closed behind the answer."""
    body = json.dumps({"taskId": "t-1"}).encode()
    with connected(place) as sock:
        sock.sendall(head(len(body)).replace(b"HTTP/1.1", b"HTTP/1.0") + body)
        assert b"TaskNotFoundException" in everything(sock)


def test_all_connections_are_let_go(place):
    """What clients left behind does not stay open here."""
    sockets = [socket.create_connection(address_of(place.replica)) for _ in range(20)]
    for sock in sockets:
        sock.sendall(head(100))
        sock.close()
    port = f":{place.replica.port:04X} "

    def waiting():
        with open("/proc/net/tcp") as table:  # noqa: PTH123 - not a file on a disk
            return [row for row in table if port in row and row.split()[3] == "08"]

    wait_until(lambda: not waiting())
