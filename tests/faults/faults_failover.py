"""Faults of primaries and their replicas, under Sentinel and in a Cluster."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nemesis import World, fault
from redis.crc import key_slot

from coordinator.store import keys

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from servers import Server

SENTINEL, CLUSTER = ("sentinel",), ("cluster",)
BOTH = SENTINEL + CLUSTER


def _primary(world: World, chance: random.Random) -> Server:
    return chance.choice(world.deployment.store.primaries())


def _follower(world: World, chance: random.Random) -> Server:
    store = world.deployment.store
    primaries = store.primaries()
    return chance.choice([server for server in store.running if server not in primaries])


@fault("far", (0.1, 8), weight=2, servers=BOTH)
def kill_primary(world: World, chance: random.Random) -> Iterator[str]:
    """A primary dies, a replica takes over, and the dead one comes back as a replica."""
    victim = _primary(world, chance)
    victim.kill()
    yield f"port {victim.port}"
    world.deployment.store.restart_dead()
    world.deployment.wait_until_whole()


@fault("far", (0.1, 8), weight=2, servers=BOTH)
def freeze_primary(world: World, chance: random.Random) -> Iterator[str]:
    """A primary stops, perhaps for so long that another takes over, and goes on as if it were."""
    victim = _primary(world, chance)
    victim.pause()
    yield f"port {victim.port}"
    victim.resume()
    world.deployment.wait_until_whole()


@fault("far", (0.1, 5), servers=BOTH)
def kill_follower(world: World, chance: random.Random) -> Iterator[str]:
    """A replica of Redis dies: what needs its acknowledgement fails until it is back."""
    victim = _follower(world, chance)
    victim.kill()
    yield f"port {victim.port}"
    world.deployment.store.restart_dead()


@fault("far", (0.1, 5), servers=BOTH)
def freeze_follower(world: World, chance: random.Random) -> Iterator[str]:
    """A replica of Redis stops and goes on."""
    victim = _follower(world, chance)
    victim.pause()
    yield f"port {victim.port}"
    victim.resume()
    world.deployment.wait_until_whole()


@fault("far", (0.1, 2), weight=2, servers=SENTINEL)
def fail_over(world: World, _chance: random.Random) -> Iterator[str]:
    """The sentinels put another server in the place of a primary that lives."""
    primary = world.deployment.store.failover()
    yield f"to port {primary.port}"
    world.deployment.wait_until_whole()


@fault("far", (0.5, 8), weight=2, servers=SENTINEL)
def isolate_primary(world: World, _chance: random.Random) -> Iterator[str]:
    """The primary is cut off from all but its clients, and another takes over."""
    store = world.deployment.store
    victim = store.isolate_primary()
    yield f"port {victim.port}"
    store.wait_for_primary(instead_of=victim)
    victim.kill()
    store.restart_dead()


@fault("far", (0.1, 5), weight=0.5, servers=SENTINEL)
def kill_sentinel(world: World, chance: random.Random) -> Iterator[str]:
    """One sentinel dies and comes back."""
    victim = chance.choice(world.deployment.store.sentinels)
    victim.kill()
    yield f"port {victim.port}"
    victim.start()
    world.deployment.wait_until_whole()


@fault("far", (0.1, 2), weight=2, servers=CLUSTER)
def promote_follower(world: World, chance: random.Random) -> Iterator[str]:
    """A replica takes over from a primary that lives."""
    victim = _follower(world, chance)
    world.deployment.store.promote(victim)
    yield f"to port {victim.port}"
    world.deployment.wait_until_whole()


@fault("far", (0.1, 1), weight=3, servers=CLUSTER)
def move_slot(world: World, chance: random.Random) -> Iterator[str]:
    """The slot of a shard moves to another primary, key by key, under load."""
    store = world.deployment.store
    shard = chance.randrange(world.deployment.shards)
    slot = key_slot(keys.key("meta", shard))
    owner = store.present_owner(slot)
    target = chance.choice([server for server in store.primaries() if server is not owner])
    moment = threading.Event()
    store.move_slot(slot, target, between=lambda: moment.wait(chance.uniform(0, 0.03)))
    yield f"shard {shard} to port {target.port}"
    world.deployment.wait_until_whole()
