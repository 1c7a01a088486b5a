"""SIGTERM to a replica with waiting polls."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from rawhttp import RawClient
from replicas import ReplicaProcess
from waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Server


@pytest.fixture
def replica(valkey: Server) -> Iterator[ReplicaProcess]:
    """A real replica whose polls wait for a minute."""
    made = ReplicaProcess(valkey.url, POLL_WAIT=60)
    made.start()
    yield made
    made.close()


async def test_waiting_polls_are_answered_at_once(replica: ReplicaProcess) -> None:
    """50 polls get an empty answer, and the process ends with 0 by itself."""
    clients = [await RawClient.connect(replica.port) for _ in range(51)]
    for client in clients[1:]:  # the first connection is idle
        client.poll()
    await eventually(lambda: b"coordinator_waiters 50.0" in replica.get("/metrics").body)
    os.kill(replica.pid, signal.SIGTERM)
    started = time.monotonic()
    answers = await asyncio.gather(*(client.answer() for client in clients[1:]))
    assert answers == [(200, {})] * 50
    assert time.monotonic() - started < 10
    assert await asyncio.to_thread(replica.exit_code) == 0
    replica.process = None  # it has ended, and its id may be another's by now
    assert time.monotonic() - started < 15
    for client in clients:
        await client.close()
    assert "Traceback" not in replica.log


async def test_an_idle_replica_ends_at_once(replica: ReplicaProcess) -> None:
    """Without anybody waiting a stop takes no longer."""
    started = time.monotonic()
    assert await asyncio.to_thread(replica.stop) == 0
    assert time.monotonic() - started < 10
    assert "Traceback" not in replica.log
