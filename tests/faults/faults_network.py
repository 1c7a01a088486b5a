"""Faults of the network, between runners and replicas (near) and between these and Redis (far)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from nemesis import ALL, SINGLE, World, fault

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from proxy import Proxy

LASTS = (0.5, 5)
# The nodes of a Cluster and of Sentinels name their own addresses, so no proxy stands before them.
SIDES = {"near": ALL, "far": SINGLE}


def latency(proxy: Proxy, chance: random.Random) -> None:
    """Everything takes longer, each way."""
    proxy.latency = chance.uniform(0.02, 0.4)


def black_hole(proxy: Proxy, _chance: random.Random) -> None:
    """Nothing passes; what was sent arrives late."""
    proxy.black_hole()


def half_open(proxy: Proxy, _chance: random.Random) -> None:
    """Requests pass, and their answers come late."""
    proxy.half_open()


def reset(proxy: Proxy, _chance: random.Random) -> None:
    """Every connection ends with RST."""
    proxy.reset()


def refuse(proxy: Proxy, _chance: random.Random) -> None:
    """Every connection ends, and new ones are dropped."""
    proxy.refuse()
    proxy.reset()


def cut_answers(proxy: Proxy, chance: random.Random) -> None:
    """Some answers end in their middle."""
    proxy.spoil(chance.uniform(0.05, 0.5), 0.5, chance)


def lose_answers(proxy: Proxy, chance: random.Random) -> None:
    """Some answers are lost after the effect."""
    proxy.spoil(chance.uniform(0.05, 0.5), 0.0, chance)


def _register(lane: str, damage: Callable[[Proxy, random.Random], None]) -> None:
    def hit(world: World, chance: random.Random) -> Iterator[str]:
        deployment = world.deployment
        proxies = deployment.front if lane == "near" else deployment.back
        chosen = chance.sample(range(len(proxies)), chance.randint(1, len(proxies)))
        for number in chosen:
            deployment.network.do(partial(damage, proxies[number], chance))
        yield f"proxies {chosen}"
        for number in chosen:
            deployment.network.do(proxies[number].heal)

    hit.__name__ = f"{damage.__name__} {lane}"
    fault(lane, LASTS, weight=0.5, servers=SIDES[lane])(hit)


for _lane in SIDES:
    for _damage in (latency, black_hole, half_open, reset, refuse, cut_answers, lose_answers):
        _register(_lane, _damage)
