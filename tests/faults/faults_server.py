"""Faults of Redis itself."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from chaos import check_data
from nemesis import SINGLE, World, fault

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    import redis

MOST_SECONDS = 15.0  # that the clock is wrong


@contextmanager
def _client(world: World, chance: random.Random) -> Iterator[tuple[redis.Redis, str]]:
    servers = world.deployment.servers
    number = chance.randrange(len(servers))
    with servers[number].client() as client:
        yield client, f"server {number}"


@fault("far", (0.1, 5), weight=2, servers=SINGLE)
def kill_server(world: World, _chance: random.Random) -> Iterator[str]:
    """With appendfsync always it comes back with all that was answered."""
    server = world.deployment.store
    server.kill()
    with world.noted("outage", "the server is dead"):
        yield "the server"
    server.start()


@fault("far", (0.5, 3), servers=SINGLE)
def restart_server_everysec(world: World, _chance: random.Random) -> Iterator[str]:
    """With appendfsync everysec it is ended by SIGTERM, and loses nothing either."""
    server = world.deployment.store
    with server.client() as client:
        client.config_set("appendfsync", "everysec")
    yield "the server"
    server.stop()
    server.start()


@fault("far", (0.5, 6), weight=2, servers=SINGLE)
def freeze_server(world: World, _chance: random.Random) -> Iterator[str]:
    """It stops and goes on."""
    server = world.deployment.store
    server.pause()
    with world.noted("outage", "the server is frozen"):
        yield "the server"
    server.resume()


@fault("far", (0.1, 0.5))
def cut_subscribers(world: World, _chance: random.Random) -> Iterator[str]:
    """Every connection that listens for wake-ups and expiries ends."""
    for server in world.deployment.servers:
        with server.client() as client:
            client.client_kill_filter(_type="pubsub")
    yield "every server"


@fault("far", (0.1, 0.5))
def flush_scripts(world: World, _chance: random.Random) -> Iterator[str]:
    """Every script is forgotten."""
    for server in world.deployment.servers:
        with server.client() as client:
            client.script_flush()
    yield "every server"


@fault("far", (0.1, 0.2))
def debug_sleep(world: World, chance: random.Random) -> Iterator[str]:
    """A server sleeps."""
    with _client(world, chance) as (client, target):
        client.execute_command("DEBUG", "SLEEP", chance.uniform(0.3, 4))
        yield target
    world.deployment.wait_until_whole()


@fault("far", (0.5, 4))
def pause_clients(world: World, chance: random.Random) -> Iterator[str]:
    """A server lets its clients wait, all or those that write."""
    with _client(world, chance) as (client, target):
        every = chance.random() < 0.5
        client.execute_command("CLIENT", "PAUSE", 3000, "ALL" if every else "WRITE")
        yield f"{target}, {'every client' if every else 'writers'}"
        client.execute_command("CLIENT", "UNPAUSE")
    world.deployment.wait_until_whole()


@fault("far", (1, 4))
def full_memory(world: World, _chance: random.Random) -> Iterator[str]:
    """Every server is at its maxmemory: what adds work is refused."""
    with ExitStack() as stack:
        for client in [stack.enter_context(s.client()) for s in world.deployment.servers]:
            client.config_set("maxmemory", 1)
            stack.callback(client.config_set, "maxmemory", 0)
        yield "every server"


@fault("far", (1, 4), weight=0.5)
def wrong_eviction_policy(world: World, _chance: random.Random) -> Iterator[str]:
    """Every server could evict, and every replica connects again and finds that out."""
    with ExitStack() as stack:
        for client in [stack.enter_context(s.client()) for s in world.deployment.servers]:
            client.config_set("maxmemory-policy", "allkeys-lru")
            stack.callback(client.config_set, "maxmemory-policy", "noeviction")
            client.client_kill_filter(_type="normal", skipme=True)
        yield "every server"


@fault("far", (0.2, 3), weight=0.4, servers=SINGLE)
def empty_data_set(world: World, _chance: random.Random) -> Iterator[str]:
    """The server comes back without data: what was, is not found, and new work goes on."""
    server = world.deployment.store
    world.operator.epoch += 1
    began = time.monotonic()
    with server.client() as client:
        client.flushall()
    server.kill()
    with world.noted("outage", "the server is dead"):
        yield "the server"
    server.start()
    world.operator.epoch += 1
    world.note("emptied", "the server", began)


@fault("far", (0.1, 0.2), weight=1.5)
def look_at_the_data(world: World, _chance: random.Random) -> Iterator[str]:
    """No fault: writers wait while all data is read and checked."""
    with ExitStack() as stack:
        for client in [stack.enter_context(s.client()) for s in world.deployment.servers]:
            client.execute_command("CLIENT", "PAUSE", 10_000, "WRITE")
            stack.callback(client.execute_command, "CLIENT", "UNPAUSE")
        yield "every server"
        try:
            check_data(world.deployment.store, ended=False, clock=not world.deployment.clock)
        except AssertionError as error:
            world.findings.append(f"the data set is not sound: {error}")


@fault("far", (0.5, 6), weight=8, servers=("valkey",), moves_clock=True)
def step_clock(world: World, chance: random.Random) -> Iterator[str]:
    """The server's clock goes forward or back, and later perhaps right again."""
    server = world.deployment.store
    offset = chance.choice([-1, 1]) * chance.uniform(0.2, MOST_SECONDS)
    server.set_offset(offset)
    yield f"to {offset:+.1f} s"
    if chance.random() < 0.5:
        server.set_offset(0)
