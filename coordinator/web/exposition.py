"""``GET /metrics``: the plain counters of ``metrics.py`` under their Prometheus names.

Counters are this replica's; the gauges of instances are read from Redis at the scrape, one call for
each shard, and left out while Redis is away (`coordinator_redis_up` is 0 then).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.registry import Collector

from coordinator.errors import CoordinatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client import Metric

    from coordinator.service.coordinator import Coordinator
    from coordinator.store.timers import Counts
    from coordinator.web.workers import Workers

__all__ = ["CONTENT_TYPE", "exposition", "of_process"]

COUNTERS = {
    "granted": "Leases granted: tasks handed out",
    "handed_again": "Tasks handed out again to a poll whose answer was lost",
    "acknowledged": "Leases acknowledged by a first report",
    "renewed": "Leases renewed by a further report",
    "finished": "Tasks finished",
    "retried": "Attempts reported as failed that will be retried",
    "unsatisfied": "Checks of preconditions that were not satisfied yet",
    "failed": "Instances failed for good",
    "canceled": "Instances canceled",
    "given_back": "Tasks given back because their runner had left before it was told",
    "graced": "Leases given grace after an outage",
    "timers_applied": "Due timers applied",
    "timers_broken": "Due timers that could not be applied and were put off by a minute",
    "outages": "Gaps in due work long enough to count as an outage",
    "clock_steps_back": "Times that Redis's clock was seen more than a second back",
    "expired_events": "Expired events of lease keys received",
    "wakes": "Wake-up messages received",
}
LABELLED = {
    "lost": ("cause", "Leases lost"),
    "refused": ("verdict", "Task calls that changed nothing"),
    "errors": ("error", "API errors answered"),
    "limited": ("limit", "Requests refused, and connections cut off, by a limit"),
    "alarms": ("result", "What came of delivering alarms"),
    "credentials_loads": ("result", "Changed credentials files, by whether they could be used"),
}
STATES = ("blocked", "ready", "leased", "delayed", "terminal")


async def exposition(
    coordinator: Coordinator, account: str | None = None, workers: Workers | None = None
) -> bytes:
    """Render everything in Prometheus' text format; with an account, nothing of other accounts.

    With workers the series of each process are there, by the label `worker`; what comes from Redis
    is there once.
    """
    try:
        counts = await coordinator.health.counts()
    except CoordinatorError:
        counts = None
    families = _Families(coordinator, counts)
    own = list(families.of_process())
    if workers is not None:
        own = await workers.together(own)
    shown = _Shown([*own, *families.of_redis()], account)
    return await asyncio.to_thread(generate_latest, shown)  # other callers need not wait


class _Shown(Collector):
    """Families as one account may see them; None: as they are."""

    def __init__(self, families: Iterable[Metric], account: str | None) -> None:
        self._families, self._account = families, account

    def collect(self) -> Iterator[Metric]:
        for family in self._families:
            if self._account is not None:
                family.samples = [s for s in family.samples if self._may_see(s.labels)]
            yield family

    def _may_see(self, labels: Mapping[str, str]) -> bool:
        return labels.get("account", self._account) == self._account


def of_process(coordinator: Coordinator) -> list[Metric]:
    """Collect what this process counts, without asking Redis."""
    return list(_Families(coordinator, None).of_process())


class _Families:
    """What there is to show; `counts` are those of Redis, None while it is away."""

    def __init__(self, coordinator: Coordinator, counts: Counts | None) -> None:
        self._coordinator = coordinator
        self._metrics = coordinator.metrics
        self._counts = counts

    def of_process(self) -> Iterator[Metric]:
        """Yield what each process has of its own."""
        yield from self._counters()
        yield from self._labelled()
        yield from self._gauges()
        lag = HistogramMetricFamily(
            "coordinator_hand_out_lag_seconds", "From a lost lease's deadline to its next hand-out"
        )
        lag.add_metric([], self._metrics.hand_out_lag.buckets(), self._metrics.hand_out_lag.sum)
        yield lag

    def _counters(self) -> Iterator[Metric]:
        for name, help_text in COUNTERS.items():
            yield CounterMetricFamily(
                f"coordinator_{name}", help_text, value=getattr(self._metrics, name)
            )
        calls, batches, reconnects = self._coordinator.health.connection_counts()
        yield CounterMetricFamily("coordinator_redis_calls", "Calls of Redis", value=calls)
        yield CounterMetricFamily(
            "coordinator_redis_batches", "Writes that carried them", value=batches
        )
        yield CounterMetricFamily(
            "coordinator_redis_reconnects", "Connections made again", value=reconnects
        )

    def _labelled(self) -> Iterator[Metric]:
        for name, (label, help_text) in LABELLED.items():
            family = CounterMetricFamily(f"coordinator_{name}", help_text, labels=[label])
            for value, count in getattr(self._metrics, name).items():
                family.add_metric([value], count)
            yield family

    def _gauges(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "coordinator_credentials",
            "Credentials that may sign; 0 where nobody needs to",
            value=self._metrics.credentials,
        )
        yield GaugeMetricFamily(
            "coordinator_credentials_broken",
            "Whether the credentials file cannot be used, and the credentials before are in force",
            value=self._metrics.credentials_broken,
        )
        yield GaugeMetricFamily(
            "coordinator_waiters",
            "Polls of this replica that wait for a task",
            value=self._coordinator.polls.waiters.count,
        )

    def of_redis(self) -> Iterator[Metric]:
        """Yield what is the same for all replicas."""
        up = self._counts is not None
        yield GaugeMetricFamily("coordinator_redis_up", "Whether Redis answered", value=int(up))
        if self._counts is None:
            return
        family = GaugeMetricFamily(
            "coordinator_instances", "Instances by state (leased: live leases)", labels=["state"]
        )
        for state in STATES:
            family.add_metric([state], getattr(self._counts, state))
        yield family
        yield GaugeMetricFamily("coordinator_timers", "Timers to come", value=self._counts.timers)
        yield GaugeMetricFamily(
            "coordinator_alarms_pending", "Alarms to be delivered", value=self._counts.alarms
        )
