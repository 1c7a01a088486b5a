"""30,000 leases that lapse within one second."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic, time

import pytest
from pipelines import activity, finish, new_group, poll, start
from replicas import ReplicaProcess
from seeds import ACCOUNT, Bench, components
from waiting import eventually

log = logging.getLogger(__name__)
LEASES = 30_000
PIPELINE = 5_000  # instances of one pipeline
AT_ONCE = 500  # calls
LONG_MS = 3_600_000
AHEAD_MS, SPREAD_MS = 3000, 1000
SERVED_WITHIN = 5  # seconds, of others; and
OFFERED_WITHIN = 60  # of all: on a busy machine
BASE = "coord:1:{0}:"
# What a claim with a shorter deadline would have written, for all of them in one step.
MOVE = """
local base, time = ARGV[1], redis.call('TIME')
local begin = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
local found = redis.call('ZRANGE', base .. 'timers', 0, -1)
for i, timer in ipairs(found) do
  local where = string.match(timer, '^lease:(.*)$')
  local deadline = begin + math.floor(i * ARGV[3] / #found)
  redis.call('ZADD', base .. 'timers', deadline, timer)
  redis.call('PEXPIREAT', base .. 'lease:' .. where, deadline)
  redis.call('HSET', base .. 'instance:' .. where, 'deadline_ms', deadline)
end
return begin
"""


@pytest.fixture
async def bench(new_server, new_router):
    """The store on a server of its own."""
    server = new_server("valkey")
    return Bench(server, new_router(server.url, timeout=30))


@pytest.fixture
def replica(bench):
    """The one replica that runs due work."""
    made = ReplicaProcess(bench.server.url, POLL_WAIT=10, PROGRESS_TIMEOUT=3600)
    made.start()
    yield made
    made.close()


async def at_once(call, items):
    """Await `call` of each item, some hundreds at a time; return the results."""
    found, items = [], list(items)
    for first in range(0, len(items), AT_ONCE):
        found += await asyncio.gather(*map(call, items[first : first + AT_ONCE]))
    return found


async def lease_all(bench):
    """Make all instances, and claim each; return the tasks."""
    for _ in range(LEASES // PIPELINE):
        await bench.start(components(PIPELINE))
        await bench.settle()
    return await at_once(lambda _: bench.claim(ack_ms=LONG_MS), range(LEASES))


def let_lapse(bench):
    """Move every deadline into the second after a time, which is returned (ms)."""
    with bench.server.client() as client:
        return int(client.eval(MOVE, 0, BASE, AHEAD_MS, SPREAD_MS))


async def states(bench):
    """How many instances are in each state."""
    flat = await bench.router.execute(BASE, "HGETALL", BASE + "counts")
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return {name.decode(): int(count) for name, count in pairs if int(count)}


def serve_another(api, group, until_ms):
    """Run tasks of another group until a time; return the slowest answer, in seconds."""
    slowest = 0.0
    while time() * 1000 < until_ms:
        start(api, activity("Other", group))
        began = monotonic()
        task = poll(api, group)
        polled = monotonic()
        finish(api, task)
        slowest = max(slowest, polled - began, monotonic() - polled)
    return slowest


@pytest.mark.timeout(400)
async def test_thirty_thousand_leases_lapse_within_a_second(bench, replica):
    """All are offered again promptly, each once, and other callers are served meanwhile."""
    tasks = await lease_all(bench)
    assert len({(task.pipeline_id, task.n) for task in tasks}) == LEASES
    api, began = replica.client(), monotonic()
    begin_ms = let_lapse(bench)
    until_ms = begin_ms + 5 * SPREAD_MS
    others = asyncio.create_task(asyncio.to_thread(serve_another, api, new_group(), until_ms))

    async def all_ready():
        return (await states(bench)).get("ready", 0) >= LEASES

    assert (await states(bench))["leased"] >= LEASES
    await eventually(all_ready, OFFERED_WITHIN)
    took = monotonic() - began - AHEAD_MS / 1000
    slowest = await others
    log.warning("offered again in %.1f s; slowest answer to others %.2f s", took, slowest)
    assert took > SPREAD_MS / 1000 * 0.9, "they were taken before their time"
    assert slowest < SERVED_WITHIN
    records = await at_once(lambda task: read(bench, task), tasks)
    assert {tuple(record) for record in records} == {(b"ready", b"1", b"1", None)}
    again = await bench.claim()
    assert await bench.report(again) == "acknowledged"
    assert {await bench.report(task) for task in tasks[:100]} == {"superseded"}
    api.close()


async def read(bench, task):
    """State, attempt, hand-outs that nobody acknowledged, and holder of a task."""
    key = f"{BASE}instance:{ACCOUNT}:{task.pipeline_id}:{task.n}"
    return await bench.router.execute(key, "HMGET", key, "state", "attempt", "unacked", "claim")
