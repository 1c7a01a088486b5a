"""A primary under Sentinel that dies, or is replaced, while runners work."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from dumps import dump
from fleet import Fleet, poll
from invariants import check_invariants
from load import Load
from waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sentinels import Sentinels
    from servers import Server

    from coordinator.store.tasks import Claimed

# redis-py leaves the connections of calls that are canceled to the garbage collector.
pytestmark = [pytest.mark.timeout(200), pytest.mark.filterwarnings("ignore::ResourceWarning")]

TASKS = 600
SILENCE = 1.5
SETTINGS = {
    "ack_timeout": 1,
    "poll_wait": 1,
    "redis_timeout": 1.0,
    "outage_threshold": 2,
    "outage_grace": 1,
    "durability": "replicas:1",
}
HANDS = ThreadPoolExecutor(1)  # servers die with the thread that started them


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()


def kill(group: Sentinels) -> Server:
    """Kill the primary, and bring it back as a replica of the one that took over."""
    dead = group.kill_primary()
    group.restart_dead()
    return dead


def replace(group: Sentinels) -> Server:
    """Let the sentinels put the replica in the primary's place."""
    old = group.primary()
    group.failover()
    group.wait_whole()
    return old


async def strike(fault: Callable[[Sentinels], Server], group: Sentinels) -> Server:
    """Do it while the runners go on; return the server that is primary now."""
    old = await asyncio.get_running_loop().run_in_executor(HANDS, fault, group)
    assert group.primary() is not old
    return group.primary()


def terminal(group: Sentinels) -> int:
    """Return how many instances are terminal."""
    with group.client() as client:
        return int(client.hget("coord:1:{0}:counts", "terminal") or 0)


def listeners(fleet: Fleet) -> int:
    """Return how many subscribers of the primary are ours: sentinels use no sharded channels."""
    return sum(int(row["ssub"]) == 1 for row in fleet.subscribers())


def notifies(server: Server) -> bool:
    """Whether the server tells of keys that expire."""
    with server.client() as client:
        return {"E", "x"} <= set(client.config_get("notify-keyspace-events").popitem()[1])


def check_data(group: Sentinels) -> None:
    """Assert that the data is sound and everything finished."""
    found = dump(group)
    with group.client() as client:
        seconds, micros = client.time()
    check_invariants(found, seconds * 1000 + micros // 1000)
    statuses = [e.value["status"] for key, e in found.items() if "}:instance:" in key]
    assert statuses == ["FINISHED"] * TASKS


@pytest.mark.parametrize("fault", [kill, replace])
@pytest.mark.parametrize("kind", ["valkey", "redis7"])
async def test_a_failover_under_load_is_outlived(
    new_sentinels: Callable[..., Sentinels], kind: str, fault: Callable[[Sentinels], Server]
) -> None:
    """Replicas follow to the new primary, hear its events, and nothing answered is lost.

    Calls are refused meanwhile; leases that lapsed are handed out again; each task is done once.
    """
    group = new_sentinels(kind, replicas=1)
    async with Fleet(group, durability="replicas:1") as fleet:
        replicas = [await fleet.replica(**SETTINGS) for _ in range(2)]
        await fleet.seed(TASKS)
        turn = iter(range(1 << 30))

        async def ask() -> Claimed | None:
            return await poll(replicas[next(turn) % 2])

        async with Load(fleet, ask, ask, SILENCE) as load:
            await load.finishes(30)
            assert terminal(group) < TASKS
            primary = await strike(fault, group)
            assert load.told["refused"] + load.told["unknown"] > 0, "nobody noticed"
            before = [replica.coordinator.metrics.expired_events for replica in replicas]
            await eventually(lambda: listeners(fleet) == 2, 30)
            await eventually(lambda: notifies(primary), 30)
            await eventually(lambda: terminal(group) == TASKS, 60)
        check_data(group)
        assert load.told["twice"] == load.told["gone"] == 0
        assert await load.revived() == 0
        await fleet.seed(1, group="last")
        await fleet.claim("last", ack_ms=100)
        heard = [replica.coordinator.metrics for replica in replicas]
        await eventually(
            lambda: all(m.expired_events > b for m, b in zip(heard, before, strict=True)), 30
        )
