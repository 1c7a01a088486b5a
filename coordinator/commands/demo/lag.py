"""How long lost leases waited for their next holder, by the replicas' own metrics."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "coordinator_hand_out_lag_seconds"


@dataclass(frozen=True)
class Lag:
    """From the deadlines of lost leases to their next hand-outs, in seconds.

    `at_most` is the histogram's bound above the longest.
    """

    count: int
    mean: float
    at_most: float


def read_lag(ports: Iterable[int]) -> Lag:
    """Ask the replicas on these ports of 127.0.0.1 for their histograms, and put them together.

    Raises:
        OSError: one of them does not answer.
    """
    count, seconds, at_most = 0, 0.0, 0.0
    for port in ports:
        buckets, replica_sum = _histogram(port)
        count += buckets[-1][1]
        seconds += replica_sum
        reached = [bound for bound, so_far in buckets if so_far == buckets[-1][1]]
        at_most = max(at_most, reached[0] if buckets[-1][1] else 0.0)
    return Lag(count, seconds / count if count else 0.0, at_most)


def _histogram(port: int) -> tuple[list[tuple[float, int]], float]:
    """Return the cumulative counts by upper bound, and the sum."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    buckets, seconds = [], 0.0
    for sample in families[NAME].samples:
        if sample.name.endswith("_bucket"):
            buckets.append((float(sample.labels["le"]), int(sample.value)))
        elif sample.name.endswith("_sum"):
            seconds = sample.value
    return buckets, seconds
