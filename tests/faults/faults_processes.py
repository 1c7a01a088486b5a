"""Faults of processes: runners and replicas are killed and frozen."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

from nemesis import World, fault

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

LEASE = 3.0  # seconds: the longest of `deployments.SETTINGS`
PAST_A_LEASE = (LEASE + 0.5, LEASE + 3)


@fault("near", (0.2, 3), weight=2)
def kill_runner(world: World, chance: random.Random) -> Iterator[str]:
    """One runner dies, most likely with tasks in hand; another comes."""
    victim = chance.choice(world.runners.running)
    world.runners.kill(victim)
    yield victim.name
    world.runners.start()


@fault("near", (0.5, LEASE + 2), weight=2)
def freeze_runner(world: World, chance: random.Random) -> Iterator[str]:
    """One runner stops, for less or more than a lease, and goes on with what it had."""
    victim = chance.choice(world.runners.running)
    victim.send_signal(signal.SIGSTOP)
    yield victim.name
    victim.send_signal(signal.SIGCONT)


@fault("near", (0.2, 3), weight=2)
def kill_replicas(world: World, chance: random.Random) -> Iterator[str]:
    """One or two replicas die and come back."""
    replicas = world.deployment.replicas
    victims = chance.sample(range(len(replicas)), chance.choice([1, 1, 2]))
    for number in victims:
        replicas[number].kill()
    yield f"replicas {victims}"
    for number in victims:
        world.deployment.start_replica(number)


@fault("near", (0.5, LEASE + 2), weight=2)
def freeze_replica(world: World, chance: random.Random) -> Iterator[str]:
    """One replica stops and goes on."""
    number = chance.randrange(len(world.deployment.replicas))
    world.deployment.replicas[number].pause()
    yield f"replica {number}"
    world.deployment.replicas[number].resume()


@fault("near", PAST_A_LEASE, weight=0.7)
def kill_all_replicas(world: World, _chance: random.Random) -> Iterator[str]:
    """No replica runs for longer than a lease."""
    replicas = world.deployment.replicas
    for replica in replicas:
        replica.kill()
    with world.noted("outage", "every replica is down"):
        yield "every replica"
    for number in range(len(replicas)):
        world.deployment.start_replica(number)


@fault("near", PAST_A_LEASE, weight=0.7)
def freeze_all_replicas(world: World, _chance: random.Random) -> Iterator[str]:
    """All replicas stop for longer than a lease, and go on with what they were doing."""
    replicas = world.deployment.replicas
    with ExitStack() as stack:
        for replica in replicas:
            replica.pause()
            stack.callback(replica.resume)
        with world.noted("outage", "every replica is frozen"):
            yield "every replica"
