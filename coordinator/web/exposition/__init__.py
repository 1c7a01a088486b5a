"""``GET /metrics``: what a replica counts, and the gauges of all, in Prometheus' text format.

A scrape costs each shard two calls and each account with ready tasks one, however many tasks there
are; of worker groups so many as the setting says have names. It waits for Redis two seconds at
most: then, as while Redis is away, the gauges from there are left out (`redis_up` is 0).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.registry import Collector

from coordinator.errors import CoordinatorError
from coordinator.web.exposition.families import Reading, collect
from coordinator.web.exposition.process import PROCESS
from coordinator.web.exposition.shared import SHARED
from coordinator.web.exposition.work import WORK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client import Metric

    from coordinator.service.coordinator import Coordinator
    from coordinator.store.timers import Counts
    from coordinator.web.workers import Workers

__all__ = ["CONTENT_TYPE", "FAMILIES", "exposition", "of_process"]

OWN = (*WORK, *PROCESS)
FAMILIES = (*OWN, *SHARED)


async def exposition(
    coordinator: Coordinator, account: str | None = None, workers: Workers | None = None
) -> bytes:
    """Render everything in Prometheus' text format; with an account, nothing of other accounts.

    With workers the series of each process are there, by the label `worker`; what comes from Redis
    is there once.
    """
    own, shared = of_process(coordinator), await _of_redis(coordinator, account)
    if workers is not None:
        own = await workers.together(own)
    shown = _Shown([*own, *shared], account)
    return await asyncio.to_thread(generate_latest, shown)  # other callers need not wait


def of_process(coordinator: Coordinator) -> list[Metric]:
    """Collect what this process counts, without asking Redis."""
    return collect(OWN, Reading(coordinator))


async def _of_redis(coordinator: Coordinator, account: str | None) -> list[Metric]:
    """Collect what is the same for all replicas."""
    counts, groups, vitals = await asyncio.gather(
        _counts(coordinator),
        coordinator.gauges.groups(account or ""),
        coordinator.gauges.vitals(),
    )
    return collect(SHARED, Reading(coordinator, counts, groups, vitals))


async def _counts(coordinator: Coordinator) -> Counts | None:
    try:
        return await coordinator.health.counts()
    except CoordinatorError:
        return None


class _Shown(Collector):
    """Families with series, as one account may see them; None: as they are."""

    def __init__(self, families: Iterable[Metric], account: str | None) -> None:
        self._families, self._account = families, account

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            if self._account is not None:
                family.samples = [s for s in family.samples if self._may_see(s.labels)]
            if family.samples:
                yield family

    def _may_see(self, labels: Mapping[str, str]) -> bool:
        return labels.get("account", self._account) == self._account
