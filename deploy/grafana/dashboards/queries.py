"""PromQL, put together so that it is right with several replicas, each of several workers.

What a replica counts is summed over `instance` and `worker`. A gauge that every replica reads from
Redis is the same everywhere (but for the moment of its scrape), so its maximum is taken. A share of
nothing and a quantile of nothing are no point at all, not NaN.
"""

from __future__ import annotations

__all__ = [
    "GROUP",
    "counter",
    "largest",
    "mean",
    "per_replica",
    "per_second",
    "quantile",
    "select",
    "share",
    "total",
]

WINDOW = "$__rate_interval"  # at least four scrapes, longer when the page shows days
JOB = 'job="$job"'
GROUP = 'worker_group=~"$group"'


def select(metric: str, *matchers: str) -> str:
    """Select the series of the job that the page shows."""
    wanted = ", ".join([JOB, *matchers])
    return f"coordinator_{metric}{{{wanted}}}"


def per_second(metric: str, *matchers: str, by: str = "") -> str:
    """Return the rate of a counter over all replicas, by labels (separated by commas)."""
    return f"{_over('sum', by)} (rate({select(metric, *matchers)}[{WINDOW}]))"


def per_replica(metric: str, *matchers: str) -> str:
    """Return the mean rate of a counter that goes up in all replicas alike."""
    return f"avg (rate({select(metric, *matchers)}[{WINDOW}]))"


def counter(metric: str, *matchers: str, by: str = "") -> str:
    """Return how much a counter grew in the span that the page shows."""
    return f"{_over('sum', by)} (increase({select(metric, *matchers)}[$__range]))"


def total(metric: str, *matchers: str, by: str = "") -> str:
    """Add up a gauge that each replica has of its own."""
    return f"{_over('sum', by)} ({select(metric, *matchers)})"


def largest(metric: str, *matchers: str, by: str = "") -> str:
    """Take a gauge that all replicas read from Redis once."""
    return f"{_over('max', by)} ({select(metric, *matchers)})"


def quantile(part: float, histogram: str, *matchers: str, by: str = "") -> str:
    """Return a quantile of what was observed; without observations there is no point."""
    rate = per_second(f"{histogram}_bucket", *matchers, by=f"le, {by}" if by else "le")
    return f"histogram_quantile({part}, {rate}) >= 0"


def share(part: str, whole: str) -> str:
    """Divide; where the whole is 0 there is no point."""
    return f"{part} / ({whole} > 0)"


def mean(histogram: str, *matchers: str, by: str = "") -> str:
    """Return the mean of what was observed."""
    return share(
        per_second(f"{histogram}_sum", *matchers, by=by),
        per_second(f"{histogram}_count", *matchers, by=by),
    )


def _over(function: str, by: str) -> str:
    return f"{function} by ({by})" if by else function
