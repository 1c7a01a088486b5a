"""Redis away and back, with everything as a replica has it by default: what callers see, and when.

The server is killed, frozen, or behind a proxy that passes nothing. Times are those of the promise
(plus `LATE` where other tests run, too); a replica that waited for its own timeouts one after the
other would need far longer.
"""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pipelines import activity, every_call, poll, start
from ports import free_ports
from proxy import Proxy
from rawhttp import RawClient
from replicas import ReplicaProcess
from servers import Server
from waiting import eventually, pass_time

from coordinator.wire.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WITHIN = 2.0  # an answer while Redis is away
SERVED = 1.0  # service, once it is back
LATE = 5.0  # of a busy machine
OUTAGE = 6.0
WAIT = 5.0  # of a poll
CALLERS = 40
LINES = 8  # that may be logged about one outage, however long it is and however many call
OUTAGES = ("kill", "freeze", "black_hole")


class Away:
    """A replica behind a proxy, and the ways to take its Redis away."""

    def __init__(self, kind: str, server: Server, proxy: Proxy, replica: ReplicaProcess) -> None:
        self.kind, self.server, self.proxy, self.replica = kind, server, proxy, replica

    def begin(self) -> None:
        """Take Redis away."""
        {
            "kill": self.server.kill,
            "freeze": self.server.pause,
            "black_hole": self.proxy.black_hole,
        }[self.kind]()

    async def end(self) -> float:
        """Give it back; return when it was there."""
        if self.server.process is None:
            await asyncio.to_thread(self.server.start)
        self.server.resume()
        self.proxy.heal()
        return time.monotonic()

    async def until_seen(self) -> None:
        """Wait until /readyz says no."""
        await eventually(lambda: self._status("/readyz", 503))

    async def all_wait(self) -> bool:
        """Say whether the polls of all `clients` wait."""
        page = await asyncio.to_thread(self.replica.get, "/metrics")
        return b"coordinator_waiters 20.0" in page.body

    async def _status(self, path: str, wanted: int) -> bool:
        return (await asyncio.to_thread(self.replica.get, path)).status == wanted


@pytest.fixture(params=OUTAGES)
async def away(request: pytest.FixtureRequest) -> AsyncIterator[Away]:
    """A replica with default timeouts, and one way to take its Redis away."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(len(OPERATIONS)))
    (port,) = free_ports(1)
    server = Server(aof=True, argv=["--appendfsync", "always"], port=port)
    server.start()
    async with Proxy(port) as proxy:
        replica = ReplicaProcess(proxy.url, POLL_WAIT=WAIT)
        try:
            await asyncio.to_thread(replica.start)
            yield Away(request.param, server, proxy, replica)
        finally:
            replica.kill()
            replica.close()
            server.close()


@pytest.fixture
async def clients(away: Away) -> AsyncIterator[list[RawClient]]:
    """Connections to the replica."""
    made = [await RawClient.connect(away.replica.port) for _ in range(20)]
    yield made
    for client in made:
        await client.close()


async def ask(away: Away, operation: str, body: dict[str, object], attempt: int = 1) -> float:
    """Make a call that must be refused as the API does it; return how long that took."""
    began = time.monotonic()
    headers = {"amz-sdk-invocation-id": "i", "amz-sdk-request": f"attempt={attempt}; max=5"}
    answer = await asyncio.to_thread(away.replica.post, operation, body, headers)
    took = time.monotonic() - began
    assert answer.status == 500, (operation, answer.body)
    assert answer.headers["x-amzn-errortype"] == "InternalServiceError"
    assert json.loads(answer.body)["__type"] == "InternalServiceError"
    return took


@asynccontextmanager
async def calling(away: Away, pipeline: str) -> AsyncIterator[list[tuple[float, int]]]:
    """Call all the time, with many callers; the list gets (when answered, status)."""
    seen: list[tuple[float, int]] = []

    async def caller(number: int) -> None:
        client = await RawClient.connect(away.replica.port)
        try:
            while True:
                if number % 2:
                    client.poll(f"g{number}")
                else:
                    client.ask("DescribePipelines", {"pipelineIds": [pipeline]})
                status, _ = await client.answer()
                seen.append((time.monotonic(), status if number % 2 == 0 else 0))
        finally:
            await client.close()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(caller(number)) for number in range(CALLERS)]
        yield seen
        for task in tasks:
            task.cancel()


async def test_every_operation_is_refused_in_time(away: Away) -> None:
    """InternalServiceError within two seconds, at once after the loss and later; repeats too."""
    api = away.replica.client()
    pipeline = await asyncio.to_thread(start, api, activity("A", "g"))
    task = (await asyncio.to_thread(poll, api, "g"))["taskId"]
    made = every_call(pipeline, task)
    away.begin()
    for attempt in (1, 2):
        took = await asyncio.gather(*(ask(away, *call, attempt) for call in made.items()))
        slow = {f"{n} {attempt}": t for n, t in zip(made, took, strict=True)}
        assert max(took) < WITHIN + LATE, sorted(slow.items(), key=lambda x: -x[1])[:3]
    await away.until_seen()
    assert (await asyncio.to_thread(away.replica.get, "/healthz")).status == 200
    await away.end()
    assert (await asyncio.to_thread(api.report_task_progress, taskId=task))["canceled"] is False
    api.close()


@pytest.mark.measure
async def test_service_is_back_within_a_second(away: Away) -> None:
    """Callers that never stop calling are served again, and no storm is in the log."""
    api = away.replica.client()
    pipeline = await asyncio.to_thread(start, api, activity("A", "g"))
    async with calling(away, pipeline) as seen:
        await eventually(lambda: any(status == 200 for _, status in seen))
        before = len(away.replica.log.splitlines())
        away.begin()
        await away.until_seen()
        await pass_time(OUTAGE)
        back = await away.end()
        await eventually(lambda: any(at > back and status == 200 for at, status in seen))
        served = min(at for at, status in seen if at > back and status == 200)
        assert served - back < SERVED
        await eventually(lambda: away._status("/readyz", 200))
    assert any(status == 500 for _, status in seen)
    # The audit trail has bounds of its own.
    lines = [
        line for line in away.replica.log.splitlines()[before:] if "[coordinator.audit]" not in line
    ]
    assert len(lines) <= LINES, lines
    assert not any("Traceback" in line for line in lines)
    api.close()


async def test_long_polls_end_cleanly(away: Away, clients: list[RawClient]) -> None:
    """What waits through an outage gets the empty answer after its wait, or the error."""
    for number, client in enumerate(clients):
        client.poll(f"g{number}")
    await eventually(away.all_wait)
    began = time.monotonic()
    away.begin()
    told = await asyncio.gather(*(asyncio.wait_for(client.answer(), 20) for client in clients))
    assert {status for status, _ in told} <= {200, 500}
    assert all(body == {} for status, body in told if status == 200)
    assert time.monotonic() - began < WAIT + WITHIN + LATE
    for client in clients:  # none of the connections is lost either
        client.ask("ListPipelines", {})
    told = await asyncio.gather(*(asyncio.wait_for(client.answer(), 20) for client in clients))
    assert {status for status, _ in told} == {500}
