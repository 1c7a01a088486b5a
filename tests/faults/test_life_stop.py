"""The end of a replica: not ready, polls answered, calls finished, connections closed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from pipelines import activity, create, put
from rawhttp import RawClient
from waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from replicas import ReplicaProcess
    from servers import Server

    Connect = Callable[[ReplicaProcess], Awaitable["Client"]]

LONG = 30  # a drain that no test sits out
SOON = 15
GRACE = 10  # of what is still under way


class Client(RawClient):
    """A connection on which the test sees how it ends."""

    async def last(self) -> tuple[int, bytes]:
        """Read an answer that says that it is the last; the connection must end behind it."""
        whole = await asyncio.wait_for(self.reader.read(), SOON)
        head, _, body = whole.partition(b"\r\n\r\n")
        assert b"\r\nconnection: close" in head.lower(), whole
        return int(head.split()[1]), body

    async def get(self, path: str) -> tuple[int, bytes]:
        """Send a GET, and read an answer that says that it is the last."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        return await self.last()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Open connections to replicas; they are closed after the test."""
    made: list[Client] = []

    async def one(replica: ReplicaProcess) -> Client:
        made.append(await Client.connect(replica.port))
        return made[-1]

    yield one
    for client in made:
        await client.close()


async def stopped(replica: ReplicaProcess) -> int:
    """Wait for the end of a replica that was told to stop; return its exit code."""
    code = await asyncio.to_thread(replica.exit_code)
    replica.process = None  # its id may be another's by now
    return code


async def stopping(replica: ReplicaProcess) -> None:
    """Tell a replica to stop, and wait until it says so."""
    os.kill(replica.pid, signal.SIGTERM)
    await eventually(lambda: replica.get("/readyz").status == 503)


async def test_a_stopping_replica_serves_and_sends_clients_away(
    valkey: Server, new_replica: Callable[..., ReplicaProcess], connect: Connect
) -> None:
    """Not ready; no poll waits; old and new connections are answered once; the exit code is 0."""
    replica = new_replica(valkey.url, POLL_WAIT=60, DRAIN_DELAY=LONG)
    api = replica.client()
    pipeline = await asyncio.to_thread(create, api)
    put(api, pipeline, activity("A", "late"))
    waiting, kept, idle = [await connect(replica) for _ in range(3)]
    waiting.poll()
    kept.ask("ListPipelines", {})
    assert (await kept.answer())[0] == 200
    await eventually(lambda: b"coordinator_waiters 1.0" in replica.get("/metrics").body)

    await stopping(replica)
    assert await waiting.last() == (200, b"{}")
    status, body = await (await connect(replica)).get("/readyz")
    assert (status, json.loads(body)["reason"]) == (503, "This replica is stopping.")
    assert (await (await connect(replica)).get("/healthz"))[0] == 200
    kept.ask("ListPipelines", {})
    assert pipeline in (await kept.last())[1].decode()
    fresh = await connect(replica)
    fresh.ask("ActivatePipeline", {"pipelineId": pipeline})
    assert await fresh.last() == (200, b"{}")
    poller, taker, reporter = [await connect(replica) for _ in range(3)]
    poller.poll("nobody's")  # it does not wait, but what is ready is handed out
    assert await poller.last() == (200, b"{}")
    taker.poll("late")
    assert pipeline in (await taker.last())[1].decode()
    reporter.ask("ReportTaskProgress", {"taskId": "none"})
    assert (await reporter.last())[0] == 400

    os.kill(replica.pid, signal.SIGTERM)  # a second one cuts the drain short
    assert await asyncio.wait_for(idle.reader.read(), SOON) == b""
    assert await asyncio.wait_for(stopped(replica), SOON) == 0
    assert "Traceback" not in replica.log
    api.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_call_in_flight_is_finished(
    new_server: Callable[..., Server],
    new_replica: Callable[..., ReplicaProcess],
    connect: Connect,
    number: int,
) -> None:
    """It is answered as ever although the replica no longer listens, and then that ends with 0."""
    server = new_server(aof=True)
    replica = new_replica(server.url, DRAIN_DELAY=0.1, REDIS_TIMEOUT=GRACE)
    client = await connect(replica)
    server.pause()
    client.ask("CreatePipeline", {"name": "n", "uniqueId": "u"})
    await eventually(lambda: _in_flight(replica))
    os.kill(replica.pid, number)
    await eventually(lambda: not _listens(replica))
    server.resume()
    status, body = await client.last()
    assert (status, list(json.loads(body))) == (200, ["pipelineId"])
    assert await stopped(replica) == 0
    assert "Traceback" not in replica.log


async def test_it_ends_within_the_grace_time_without_redis(
    new_server: Callable[..., Server],
    new_replica: Callable[..., ReplicaProcess],
    connect: Connect,
) -> None:
    """Calls that Redis never answers are refused, polls too, and the exit code is 0."""
    server = new_server(aof=True)
    replica = new_replica(server.url, DRAIN_DELAY=0.1, REDIS_TIMEOUT=3)
    clients = [await connect(replica) for _ in range(20)]
    server.pause()
    for number, client in enumerate(clients):
        if number % 2:
            client.poll(f"g{number}")
        else:
            client.ask("CreatePipeline", {"name": "n", "uniqueId": str(number)})
    await eventually(lambda: _in_flight(replica))
    os.kill(replica.pid, signal.SIGTERM)
    began = time.monotonic()
    told = await asyncio.gather(*(client.last() for client in clients))
    assert {status for status, _ in told[::2]} == {500}
    assert {status for status, _ in told[1::2]} <= {200, 500}
    assert await stopped(replica) == 0
    assert time.monotonic() - began < GRACE
    assert "Traceback" not in replica.log


def _in_flight(replica: ReplicaProcess) -> bool:
    """Whether Redis is known to be away, so that what was sent before is in flight or refused."""
    return replica.get("/readyz").status == 503


def _listens(replica: ReplicaProcess) -> bool:
    try:
        replica.get("/healthz")
    except OSError:
        return False
    return True
