"""What an account may ask of one replica: calls a second, and polls under way.

Nothing is shared between replicas: behind a balancer an account has as much of each.
"""

from __future__ import annotations

import math
from collections import Counter
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from coordinator.errors import ThrottledError
from coordinator.rates import EVERY
from coordinator.wire.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from coordinator.rates import Rate

POLL_RETRY_MS = 2000


class Rates:
    """A bucket of tokens for each account and operation, made with its first call."""

    def __init__(self, rates: Mapping[str, Rate], clock: Callable[[], float] = monotonic) -> None:
        every = rates.get(EVERY)
        self._rates = {name: rates.get(name, every) for name in OPERATIONS}
        self._buckets: dict[
            tuple[str, str], list[float]
        ] = {}  # tokens, and when there were so many
        self._clock = clock

    def take(self, account: str, operation: str) -> None:
        """Use up one token (0.5 µs).

        Raises:
            ThrottledError: there is none; with the time until the next.
        """
        limit = self._rates.get(operation)
        if limit is None:
            return
        now = self._clock()
        bucket = self._buckets.get((account, operation))
        if bucket is None:
            bucket = self._buckets[account, operation] = [limit.burst, now]
        tokens = min(limit.burst, bucket[0] + (now - bucket[1]) * limit.rate)
        bucket[1] = now
        bucket[0] = tokens - 1 if tokens >= 1 else tokens
        if tokens < 1:
            raise _too_often(operation, limit, tokens)


class Polling:
    """How many polls of each account are under way; 0: as many as it likes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._polls: Counter[str] = Counter()

    @contextmanager
    def of(self, account: str) -> Iterator[None]:
        """Count a poll for as long as the context lasts.

        It is refused rather than answered as empty: SDKs pause after ThrottlingException, and
        runners ask again at once after an empty answer.

        Raises:
            ThrottledError: there are enough.
        """
        if self._most and self._polls[account] >= self._most:
            raise ThrottledError(
                f"{self._most} polls of this account are under way (COORDINATOR_MAX_POLLS).",
                POLL_RETRY_MS,
                "long_polls",
            )
        self._polls[account] += 1
        try:
            yield
        finally:
            self._polls[account] -= 1
            if not self._polls[account]:
                del self._polls[account]


def _too_often(operation: str, limit: Rate, tokens: float) -> ThrottledError:
    return ThrottledError(
        f"Rate exceeded: {operation} may be called at {limit.rate:g} a second, "
        f"{limit.burst} at once (COORDINATOR_RATES).",
        math.ceil((1 - tokens) / limit.rate * 1000),
        "rate",
    )
