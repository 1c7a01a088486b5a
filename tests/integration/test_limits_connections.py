"""Abusive connections are cut off or refused, while well-behaved callers are answered."""

from __future__ import annotations

import gzip
import json
import resource
import socket
import time
from contextlib import ExitStack

import psutil
import pytest
from botocore.exceptions import ClientError
from replicas import ReplicaProcess, address_of
from unread import is_read
from waiting import wait_until

HEAD = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n"
    b"X-Amz-Target: DataPipeline.ListPipelines\r\n"
)
MIB = 1 << 20


@pytest.fixture
def replica_with(new_server):
    """Start a replica with these settings."""
    with ExitStack() as stack:

        def start(**settings):
            replica = ReplicaProcess(new_server().url, POLL_WAIT=1, **settings)
            stack.callback(replica.close)
            replica.start()
            return replica

        yield start


@pytest.fixture
def sockets():
    """Connect to a replica, so many times, and say something; all are closed after the test."""
    with ExitStack() as stack:

        def connect(replica, count=1, said=b""):
            made = []
            for _ in range(count):
                made.append(socket.create_connection(address_of(replica), 20))
                stack.callback(made[-1].close)
                made[-1].sendall(said)
            return made

        yield connect


def rss(replica):
    """Return the resident memory of a replica, in bytes."""
    return psutil.Process(replica.pid).memory_info().rss


def limited(replica, limit):
    """Return how often a limit was met."""
    name = f'coordinator_limited_total{{limit="{limit}"}} '
    page = replica.get("/metrics").body.decode()
    (line,) = (line for line in page.splitlines() if line.startswith(name))
    return float(line.removeprefix(name))


def answers(connection):
    """Read until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def sent(connection, data):
    """Send, as far as the other side takes it."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def works(replica):
    """Whether a well-behaved client is answered."""
    return "pipelineIdList" in replica.client().list_pipelines()


def pause(seconds):
    """Send nothing for a while."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until, seconds + 10)


def error_of(answer):
    """Return the status line's code and the error's name of a raw answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["__type"]


def test_slow_clients_are_cut_off(replica_with, sockets):
    """Hundreds that dribble heads, bodies or nothing are gone after the time; others are served."""
    replica = replica_with(REQUEST_TIMEOUT=3)
    before = rss(replica)
    heads = sockets(replica, 150, HEAD + b"X-Slow: ")
    bodies = sockets(replica, 150, HEAD + b"Content-Length: 1000\r\n\r\n{")
    silent = sockets(replica, 150)
    assert works(replica)
    wait_until(lambda: limited(replica, "time") >= 450, 20)
    assert {error_of(answers(each)) for each in heads + bodies} == {(408, "RequestTimeout")}
    assert {answers(each) for each in silent} == {b""}
    assert works(replica)
    assert rss(replica) < before + 64 * MIB


def test_a_slow_but_steady_body_is_read(replica_with, sockets):
    """A body that comes at more than the least rate may take longer than the time."""
    replica = replica_with(REQUEST_TIMEOUT=1)
    (connection,) = sockets(replica)
    size, part = 400_000, 40_000
    connection.sendall(HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % size)
    for step in range(size // part):
        pause(0.25)
        connection.sendall(b" " * part if step else b"{}".ljust(part))
    assert b" 200 OK" in answers(connection)


def test_five_thousand_idle_connections(replica_with, sockets):
    """They cost little memory, and a new caller takes the place of idle ones."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 12_000, "the test needs 12,000 files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 12_000), hard))
    replica = replica_with(MAX_CONNECTIONS=5000)
    before = rss(replica)
    sockets(replica, 5000)
    assert works(replica)
    assert limited(replica, "idle_connections") > 0
    assert rss(replica) < before + 150 * MIB


def test_who_is_busy_keeps_a_connection(replica_with, sockets):
    """Where none is idle, a new one is answered 503, and SDKs try again."""
    replica = replica_with(MAX_CONNECTIONS=3)
    busy = sockets(replica, 3, HEAD)
    wait_until(lambda: all(map(is_read, busy)))  # until then the replica may take them for idle
    (late,) = sockets(replica)
    assert error_of(answers(late)) == (503, "ServiceUnavailable")
    busy[0].close()
    wait_until(replica.ready)


def test_a_body_of_a_gigabyte_declared(replica_with, sockets):
    """It is refused before any of it is read."""
    replica = replica_with()
    (connection,) = sockets(replica)
    connection.sendall(HEAD + b"Content-Length: 1073741824\r\nConnection: close\r\n\r\n")
    assert error_of(answers(connection)) == (413, "InvalidRequestException")
    assert limited(replica, "body") == 1


def test_a_body_of_a_gigabyte_in_chunks(replica_with, sockets):
    """It is refused once it is too large, and its memory is bounded by that."""
    replica = replica_with(MAX_BODY=MIB)
    before = rss(replica)
    (connection,) = sockets(replica)
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    while sent(connection, chunk):
        assert rss(replica) < before + 32 * MIB
    assert limited(replica, "body") == 1
    assert works(replica)


def test_a_gzip_bomb(replica_with):
    """A body with a Content-Encoding is refused as it came, for reports too."""
    replica = replica_with()
    bomb = gzip.compress(bytes(64 * MIB))
    for operation in ("ListPipelines", "ReportTaskProgress"):
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"DataPipeline.{operation}",
            "Content-Encoding": "gzip",
        }
        answer = replica.send("POST", "/", bomb[:1000], headers)
        assert answer.status == 415
        assert b"Content-Encoding" in answer.body
    assert limited(replica, "encoding") == 2


def test_thousands_of_pipelined_requests(replica_with, sockets):
    """A few are answered in order, the rest closes the connection."""
    replica = replica_with()
    before = rss(replica)
    poll = HEAD.replace(b"ListPipelines", b"PollForTask") + b"Content-Length: 20\r\n\r\n"
    flood = (poll + b'{"workerGroup": "g"}') * 5000
    connections = sockets(replica, 20)
    for connection in connections:
        sent(connection, flood)
    assert works(replica)
    for connection in connections:
        assert answers(connection).count(b"HTTP/1.1") <= 20
    assert limited(replica, "pipelined") == 20
    assert rss(replica) < before + 64 * MIB


def test_bodies_on_their_way_share_a_bound(replica_with, sockets):
    """The largest unfinished one makes room, and small calls succeed meanwhile."""
    replica = replica_with(MAX_INFLIGHT=4 * MIB)
    before = rss(replica)
    connections = sockets(replica, 40)
    for connection in connections:
        sent(connection, HEAD + b"Content-Length: 2000000\r\n\r\n" + b" " * 500_000)
    assert works(replica)
    wait_until(lambda: limited(replica, "bytes") > 0)
    assert rss(replica) < before + 64 * MIB


def test_bodies_with_answers_are_not_counted(replica_with):
    """Many in turn may have more bytes than fit at a time; also where a client has left."""
    replica = replica_with(MAX_INFLIGHT=MIB)
    for _ in range(6):
        assert replica.post("ListPipelines", {"marker": "x" * 300_000}).status in (200, 400)
        with socket.create_connection(address_of(replica), 20) as left:
            left.sendall(HEAD + b"Content-Length: 400000\r\n\r\n" + b" " * 300_000)
        wait_until(lambda: b"coordinator_waiters 0.0" in replica.get("/metrics").body)
    assert limited(replica, "bytes") == 0


@pytest.mark.parametrize(
    ("head", "status", "limit"),
    [
        (HEAD + b"X-Large: " + b"x" * 70_000 + b"\r\n\r\n", 431, "headers"),
        (HEAD + b"X-Endless: " + b"x" * 2_000_000, 431, "headers"),
        (HEAD + b"X-A: 1\r\n" * 101 + b"\r\n", 431, "headers"),
        (HEAD.replace(b"/ HTTP", b"/?" + b"q" * 9000 + b" HTTP") + b"\r\n", 414, "url"),
        (
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: " + b"x" * 2_000_000,
            0,
            "headers",
        ),
    ],
    ids=["large", "endless", "many", "url", "trailer"],
)
def test_heads_are_bounded(replica_with, sockets, head, status, limit):
    """By bytes, by number and by the length of the URL; trailers are no way around it."""
    replica = replica_with()
    (connection,) = sockets(replica)
    sent(connection, head)
    answer = answers(connection)
    assert not status or not answer or error_of(answer)[0] == status
    assert limited(replica, limit) == 1


def test_a_flood_of_polls_is_throttled(replica_with):
    """A poll too many of an account is refused, and SDKs are told when to try again."""
    replica = replica_with(MAX_POLLS=1)
    client = replica.client()
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "DataPipeline.PollForTask",
    }
    assert client.poll_for_task(workerGroup="g").get("taskObject") is None
    with ExitStack() as stack:
        waiting = stack.enter_context(socket.create_connection(address_of(replica), 20))
        waiting.sendall(
            HEAD.replace(b"ListPipelines", b"PollForTask")
            + b'Content-Length: 19\r\n\r\n{"workerGroup":"g"}'
        )
        wait_until(lambda: b"coordinator_waiters 1.0" in replica.get("/metrics").body)
        answer = replica.send("POST", "/", b'{"workerGroup":"g"}', headers)
    assert (answer.status, answer.headers["x-amz-retry-after"]) == (400, "2000")
    assert json.loads(answer.body)["__type"] == "ThrottlingException"
    assert limited(replica, "long_polls") == 1


def first_refusal(client):
    """List pipelines until that is refused; return the answer."""
    for _ in range(100):
        try:
            client.list_pipelines()
        except ClientError as error:
            return error.response
    raise AssertionError("a hundred calls in a row were answered")


def test_rates_by_operation(replica_with):
    """A burst is allowed, then calls are throttled, other operations are not; botocore goes on."""
    replica = replica_with(RATES="ListPipelines=2/2")
    client = replica.client()
    response = first_refusal(client)
    assert response["Error"]["Code"] == "ThrottlingException"
    assert 0 < int(response["ResponseMetadata"]["HTTPHeaders"]["x-amz-retry-after"]) <= 500
    client.create_pipeline(name="other", uniqueId="other")
    assert replica.client(attempts=5).list_pipelines()["pipelineIdList"]
    assert limited(replica, "rate") >= 1
