"""What a family of series is: its name, its type, its labels, and where its values come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from coordinator.metrics import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

    from coordinator.service.coordinator import Coordinator
    from coordinator.service.gauges import Groups, Vitals
    from coordinator.store.timers import Counts

PREFIX = "coordinator_"
Value = float | Histogram
Kind = Literal["counter", "gauge", "histogram"]
KINDS: dict[Kind, Any] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a scrape reads. What comes from Redis is None while Redis is away, or does not tell."""

    coordinator: Coordinator
    counts: Counts | None = None
    groups: Groups | None = None
    vitals: Vitals | None = None


class Family(NamedTuple):
    """A family; `read` gives its samples, and none where nothing is known."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    read: Callable[[Reading], Iterable[tuple[tuple[str, ...], Value]]]

    @property
    def full_name(self) -> str:
        """The name as Prometheus has it."""
        return f"{PREFIX}{self.name}{'_total' if self.kind == 'counter' else ''}"


def collect(families: Iterable[Family], reading: Reading) -> list[Metric]:
    """Return the series of families, as far as they are known."""
    return [_collected(family, reading) for family in families]


def _collected(family: Family, reading: Reading) -> Metric:
    metric: Metric = KINDS[family.kind](PREFIX + family.name, family.help, labels=family.labels)
    for values, value in family.read(reading):
        _add(metric, values, value)
    return metric


def _add(metric: Any, labels: tuple[str, ...], value: Value) -> None:
    if isinstance(value, Histogram):
        metric.add_metric(labels, value.buckets(), value.sum)
    else:
        metric.add_metric(labels, value)
