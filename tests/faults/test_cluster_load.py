"""A cluster whose primaries die and whose slots move while runners work."""

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
from redis.crc import key_slot
from waiting import eventually

from coordinator.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clusters import Cluster

    from coordinator.store.tasks import Claimed

# redis-py leaves the connections of calls that are canceled to the garbage collector.
pytestmark = [pytest.mark.timeout(200), pytest.mark.filterwarnings("ignore::ResourceWarning")]

SHARDS = 12
TASKS = 40  # in each shard
MOVES = 4
SILENCE = 1.5
SHORT = {"ack_timeout": 1, "poll_wait": 1, "redis_timeout": 1.0}
HANDS = ThreadPoolExecutor(1)  # servers die with the thread that started them


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    yield
    gc.collect()


async def by_hand(work: Callable[..., object], *args: object) -> None:
    """Do something that blocks while the runners go on."""
    await asyncio.get_running_loop().run_in_executor(HANDS, work, *args)


async def begin(fleet: Fleet, **settings: object) -> Load:
    """Start two replicas, and tasks in every shard; return runners for them."""
    replicas = [await fleet.replica(**(SHORT | settings)) for _ in range(2)]
    for shard in range(SHARDS):
        await fleet.seed(TASKS, shard=shard)
    turn = iter(range(1 << 30))

    async def ask() -> Claimed | None:
        return await poll(replicas[next(turn) % 2])

    return Load(fleet, ask, ask, SILENCE)


def terminal(cluster: Cluster) -> int:
    """Return how many instances are terminal."""
    with cluster.client() as client:
        counted = (keys.key("counts", shard) for shard in range(SHARDS))
        return sum(int(client.hget(key, "terminal") or 0) for key in counted)


async def check_end(cluster: Cluster, load: Load) -> None:
    """Assert that all ends well: each task once, nothing lost, the data sound."""
    await eventually(lambda: terminal(cluster) == SHARDS * TASKS, 90)
    found = dump(cluster)
    with cluster.primaries()[0].client() as client:
        seconds, micros = client.time()
    check_invariants(found, seconds * 1000 + micros // 1000)
    statuses = [e.value["status"] for key, e in found.items() if "}:instance:" in key]
    assert statuses == ["FINISHED"] * SHARDS * TASKS
    assert load.told["twice"] == load.told["gone"] == 0
    assert await load.revived() == 0


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
async def test_a_slot_that_moves_refuses_and_tears_nothing(
    new_cluster: Callable[..., Cluster], kind: str
) -> None:
    """While a slot moves back and forth calls are refused, none is in doubt, and all work ends."""
    cluster = new_cluster(kind)
    slot = key_slot(b"{3}")
    async with Fleet(cluster, shards=SHARDS) as fleet:
        # On a busy machine a call may take as long as SHORT gives it, which leaves it in doubt.
        async with await begin(fleet, redis_timeout=5.0) as load:
            await load.finishes(20)
            home = cluster.present_owner(slot)
            away = next(server for server in cluster.servers if server is not home)
            for number in range(MOVES):
                await by_hand(cluster.move_slot, slot, home if number % 2 else away)
                await load.finishes(30)
            await eventually(lambda: terminal(cluster) == SHARDS * TASKS, 90)
        assert load.told["unknown"] == 0
        await check_end(cluster, load)


async def test_a_primary_of_a_cluster_that_dies_is_taken_over(
    new_cluster: Callable[..., Cluster],
) -> None:
    """With replicas:1, what was answered outlives the primary; runners go on by themselves."""
    cluster = new_cluster(replicas_each=1)
    durable = {"durability": "replicas:1", "outage_threshold": 2, "outage_grace": 1}
    async with Fleet(cluster, shards=SHARDS, durability="replicas:1") as fleet:
        async with await begin(fleet, **durable) as load:
            await load.finishes(30)
            victim = cluster.kill_primary(0)
            await by_hand(cluster.restart_dead)
            assert victim not in cluster.primaries()
            await eventually(lambda: terminal(cluster) == SHARDS * TASKS, 90)
        noticed = any(replica.coordinator.metrics.outages for replica in fleet.replicas)
        assert noticed  # a runner may have asked for nothing that was there, so it cannot tell
        await eventually(lambda: len(fleet.subscribers()) == 6, 20)
        await check_end(cluster, load)
