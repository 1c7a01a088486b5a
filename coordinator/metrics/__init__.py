"""What a replica counts: plain integers, read when Prometheus scrapes (an add costs 0.1 µs).

``web/exposition`` gives them their names on ``GET /metrics``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from coordinator.metrics.histograms import Histogram, Thousandths
from coordinator.metrics.largest import Largest
from coordinator.metrics.requests import Requests

__all__ = ["Histogram", "Largest", "Metrics"]

LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
WAIT_BUCKETS = (0.01, 0.1, 0.5, 1.0, 5.0, 20.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0)
HTTP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 25.0, 100.0)

LOST_CAUSES = ("unacknowledged", "silent", "attempt_timeout")
LOAD_RESULTS = ("loaded", "broken")
ALARM_RESULTS = ("delivered", "failed", "logged", "dropped")
REFUSED_VERDICTS = ("repeat", "superseded", "canceled", "deleted", "unknown", "invalid")

LIMITS = (
    "body",
    "bytes",
    "connections",
    "encoding",
    "headers",
    "idle_connections",
    "long_polls",
    "pending",
    "pipelined",
    "rate",
    "time",
    "url",
)


def _zeros(names: tuple[str, ...]) -> Counter[str]:
    """Every label from the start: Prometheus cannot see the first step of one that is new."""
    return Counter(dict.fromkeys(names, 0))


@dataclass(slots=True)
class Metrics:
    """Everything that one replica counts."""

    granted: int = 0
    handed_again: int = 0
    acknowledged: int = 0
    renewed: int = 0
    finished: int = 0
    retried: int = 0
    unsatisfied: int = 0
    failed: int = 0
    canceled: int = 0
    given_back: int = 0
    lost: Counter[str] = field(default_factory=lambda: _zeros(LOST_CAUSES))
    graced: int = 0
    refused: Counter[str] = field(default_factory=lambda: _zeros(REFUSED_VERDICTS))
    alarms: Counter[str] = field(default_factory=lambda: _zeros(ALARM_RESULTS))
    credentials: int = 0
    credentials_broken: int = 0
    credentials_loads: Counter[str] = field(default_factory=lambda: _zeros(LOAD_RESULTS))
    wakes: int = 0
    timers_applied: int = 0
    timers_broken: int = 0
    outages: int = 0
    clock_steps_back: int = 0
    expired_events: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=lambda: _zeros(LIMITS))
    hand_out_lag: Histogram = field(default_factory=lambda: Histogram(LAG_BUCKETS))
    lease_slack: Thousandths = field(default_factory=Thousandths)
    poll_hand_out: Histogram = field(default_factory=lambda: Histogram(WAIT_BUCKETS))
    ready_wait: Histogram = field(default_factory=lambda: Histogram(WAIT_BUCKETS))
    cancel_told: Histogram = field(default_factory=lambda: Histogram(WAIT_BUCKETS))
    schedule_lag: Histogram = field(default_factory=lambda: Histogram(LAG_BUCKETS))
    leases_swept: int = 0
    polls: Largest = field(default_factory=lambda: Largest(50))
    empty_polls: int = 0
    empty_wakes: int = 0
    requests: Requests = field(default_factory=lambda: Requests(HTTP_BUCKETS))
