"""Large pipelines: what others notice of them, and how much of them a call looks at.

Ratios within one run, over HTTP, of one replica that shares the machine with its clients.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from fleet import ACCOUNT, Fleet
from rawhttp import RawClient
from replicas import ReplicaProcess
from seeds import component
from waiting import eventually, pass_time

from coordinator.domain.ids import encode_handle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from servers import Server

    from coordinator.store.tasks import Claimed

pytestmark = [pytest.mark.measure, pytest.mark.timeout(240)]
DEPENDENTS = 10_000
IDLE_SECONDS, PAUSE = 3, 0.004
MOST_RATIO = 10
INSTANCES = 20_000
LONGEST_PAGE = 5  # times a page of a small pipeline


class Place:
    """A replica over HTTP, and the store beside it."""

    def __init__(self, fleet: Fleet, replica: ReplicaProcess) -> None:
        self.fleet = fleet
        self.replica = replica

    async def call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        """Make one call that must succeed."""
        client = await RawClient.connect(self.replica.port)
        client.ask(operation, members)
        status, body = await client.answer()
        await client.close()
        assert status == 200, body
        return body

    async def timed(self, operation: str, members: dict[str, Any]) -> float:
        """Return the shortest of a few times that a call takes."""
        times = []
        for _ in range(7):
            began = time.perf_counter()
            await self.call(operation, members)
            times.append(time.perf_counter() - began)
        return min(times)


@pytest.fixture
async def place(new_server: Callable[..., Server]) -> AsyncIterator[Place]:
    """A server, a replica and the store."""
    server = new_server(aof=True)
    replica = ReplicaProcess(server.url)
    replica.start()
    try:
        async with Fleet(server) as fleet:
            yield Place(fleet, replica)
    finally:
        replica.close()


async def test_reports_while_ten_thousand_dependents_are_released(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """The p99 of another caller's reports stays under ten times what it is without that."""
    parts = [component("Root", group="root"), component("Other", group="other")]
    parts += [component(f"Leaf{n}", group="leaf", needs=[0]) for n in range(DEPENDENTS)]
    pipeline = await place.fleet.seed(parts)
    other, root = await place.fleet.claim("other"), await place.fleet.claim("root")
    idle = await _reports(place, other, lambda: pass_time(IDLE_SECONDS))

    async def release() -> None:
        await place.fleet.finish(root)
        await eventually(lambda: _is_released(place, pipeline), 60)

    busy = await _reports(place, other, release)
    with capsys.disabled():
        shown = ", ".join(f"{1000 * value:.1f}" for value in (_p99(idle), _p99(busy), max(busy)))
        print(f"\nreports, ms: p99 idle, p99 in the release, longest: {shown} ({len(busy)})")  # noqa: T201 - a measurement
    assert _p99(busy) < MOST_RATIO * _p99(idle)


async def test_pages_do_not_grow_with_the_pipeline(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page of a query, and of descriptions, takes as long of many instances as of a hundred."""
    few = await place.fleet.seed([component(f"A{n}") for n in range(100)])
    many = await place.fleet.seed([component(f"A{n}", group="h") for n in range(INSTANCES)])
    for name, query in QUERIES.items():
        small = await place.timed("QueryObjects", _query(few, query))
        large = await place.timed("QueryObjects", _query(many, query))
        with capsys.disabled():
            print(f"\n{name}: {1000 * small:.1f} ms of 100, {1000 * large:.1f} ms of {INSTANCES:,}")  # noqa: T201 - a measurement
        assert large < LONGEST_PAGE * small, name


def _selector(field: str, operator: str, *values: str) -> dict[str, Any]:
    return {"fieldName": field, "operator": {"type": operator, "values": values}}


QUERIES = {
    "all": [],
    "ready": [_selector("@status", "EQ", "WAITING_FOR_RUNNER")],
    "finished": [_selector("@status", "EQ", "FINISHED")],
    "started since": [_selector("@actualStartTime", "GE", "2020-01-01")],
    "scheduled long ago": [_selector("@scheduledStartTime", "BETWEEN", "2020-01-01", "2020-01-02")],
}


def _query(pipeline: str, selectors: list[dict[str, Any]]) -> dict[str, Any]:
    return {"pipelineId": pipeline, "sphere": "INSTANCE", "query": {"selectors": selectors}}


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99) - 1]


async def _is_released(place: Place, pipeline: str) -> bool:
    [last] = await place.fleet._pipelines.page(ACCOUNT, pipeline, str(DEPENDENTS + 1), 1)
    return last.state == "ready"


async def _reports(
    place: Place, task: Claimed, until: Callable[[], Awaitable[None]]
) -> list[float]:
    """Report a task again and again until something is done; return how long each took."""
    handle = encode_handle(ACCOUNT, task.pipeline_id, task.n, task.attempt, task.claim)
    client = await RawClient.connect(place.replica.port)
    working, times = asyncio.ensure_future(until()), []
    while not working.done():
        began = time.perf_counter()
        client.ask("ReportTaskProgress", {"taskId": handle})
        assert (await client.answer())[1] == {"canceled": False}
        times.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE)
    await client.close()
    await working
    return times
