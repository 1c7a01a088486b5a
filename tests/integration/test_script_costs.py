"""What scripts cost: commands of a report, and a claim among many ready tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from seeds import ACCOUNT, Bench, component

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from conftest import SharedServers

    from coordinator.store.routing import Router

pytestmark = pytest.mark.measure
REPORT_COMMANDS = {"hmget": 3, "time": 1, "set": 1, "zadd": 1, "hset": 1}
BASE = "coord:1:{0}:"
CLAIMS, BATCHES = 50, 8


@pytest.fixture(params=["valkey", "redis7"])
async def single(
    request: pytest.FixtureRequest,
    shared_servers: SharedServers,
    new_router: Callable[..., Router],
) -> Bench:
    """A bench on one server, without a look at its data afterwards."""
    server = shared_servers.empty(request.param)
    return Bench(server, new_router(server.url))


def calls(client: redis.Redis) -> dict[str, int]:
    """Return how often each command was called, in scripts too."""
    stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()}


def spent(client: redis.Redis) -> tuple[int, int]:
    """Return the microseconds that the server spent in scripts, and how many calls."""
    rows = client.info("commandstats")
    evals = [rows.get(f"cmdstat_{name}", {"usec": 0, "calls": 0}) for name in ("eval", "evalsha")]
    return sum(row["usec"] for row in evals), sum(row["calls"] for row in evals)


async def commands_of_a_report(bench: Bench, client: redis.Redis) -> dict[str, int]:
    """Return the commands of one report without fields, of a task that is acknowledged."""
    task = await bench.claim("reported")
    await bench.report(task)
    before = calls(client)
    await bench.report(task)
    after = calls(client)
    changed = {name: count - before.get(name, 0) for name, count in after.items()}
    ignored = {"info", "evalsha"}
    return {name: count for name, count in changed.items() if count and name not in ignored}


async def test_commands_of_a_report(single: Bench) -> None:
    """A report without fields is seven commands, also with 10,000 live leases."""
    await single.start([component(f"Mine{i}", group="reported") for i in range(2)])
    with single.server.client() as client:
        assert await commands_of_a_report(single, client) == REPORT_COMMANDS
        seed_ready(client, 10, 1000)
        for _ in range(10_000):
            await single.claim()
        assert (await single.timers().counts(0)).leased == 10_001
        assert await commands_of_a_report(single, client) == REPORT_COMMANDS


async def test_claim_among_many(single: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """A claim from 100,000 tasks of 1,000 pipelines costs about as much as one from 1,000."""
    costs = []
    with single.server.client() as client:
        for pipelines in (10, 1000):
            client.flushall()
            seed_ready(client, pipelines, 100)
            costs.append(min([await _claim_cost(single, client) for _ in range(BATCHES)]))
    with capsys.disabled():
        few, many = costs
        print(f"\nclaim: {few:.0f} µs of 1,000 ready, {many:.0f} µs of 100,000")  # noqa: T201 - a measurement
    assert costs[1] <= 3 * costs[0]


async def _claim_cost(bench: Bench, client: redis.Redis) -> float:
    """Return the microseconds of a claim, on average over a few."""
    await bench.claim()
    before = spent(client)
    for _ in range(CLAIMS):
        await bench.claim()
    after = spent(client)
    assert after[1] - before[1] == CLAIMS
    return (after[0] - before[0]) / CLAIMS


def seed_ready(client: redis.Redis, pipelines: int, instances: int) -> None:
    """Write pipelines with ready instances of group g as the scripts would have."""
    for i in range(pipelines):
        name = f"df-AAAA{i:016d}"
        scope, pipe = f"{ACCOUNT}:{name}", client.pipeline(transaction=False)
        pipe.hset(f"{BASE}pipeline:{scope}", mapping={"name": name, "state": "SCHEDULED"})
        pipe.hset(f"{BASE}components:{scope}:1", mapping={"object:0": "[]", "activated": 1})
        for n in range(1, instances + 1):
            pipe.hset(f"{BASE}instance:{scope}:{n}", mapping=_instance(n))
        ready = {f"{n:010d}": 1_000_000 for n in range(1, instances + 1)}
        pipe.zadd(f"{BASE}ready:{scope}:g", ready)
        pipe.zadd(f"{BASE}turns:{ACCOUNT}:g", {name: 1})
        pipe.hincrby(f"{BASE}counts", "ready", instances)
        pipe.execute()


def _instance(n: int) -> dict[str, str | int]:
    ids = {"id": f"@Work{n}_2026-01-01T00:00:00", "component": f"Work{n}", "component_index": 0}
    limits = {"maximum_retries": 2, "retry_delay_ms": 0, "attempt_timeout_ms": 0}
    state = {"state": "ready", "attempt": 1, "ready_ms": 1_000_000, "created_ms": 1_000_000}
    return {
        **ids,
        **limits,
        **state,
        "version": 1,
        "group": "g",
        "scheduled_ms": 1_000_000,
        "needs": "",
    }
