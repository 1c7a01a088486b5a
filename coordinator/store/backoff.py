"""When to try again to connect."""

from __future__ import annotations

import random

FIRST_SECONDS = 0.05
LAST_SECONDS = 0.5  # a server that is back serves again within a second, greeting and all
STEADY_SECONDS = 1.0


class Backoff:
    """The pause before the next attempt: none, then 50 ms, doubled at each failure up to 500 ms.

    A connection that lasted `STEADY_SECONDS` ends the row of failures; one that ended sooner is a
    failure itself, so that a server that accepts connections only to drop them is not hammered.
    """

    def __init__(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        """Take note that an attempt failed."""
        self._failures += 1

    def ended(self, seconds: float, *, useful: bool) -> None:
        """Take note that a connection ended after `seconds`; `useful` if it answered a call."""
        if seconds >= STEADY_SECONDS:
            self._failures = 0
        elif useful:
            self._failures = 1
        else:
            self._failures += 1

    def delay(self) -> float:
        """Return the seconds to wait now."""
        if self._failures == 0:
            return 0
        delay: float = FIRST_SECONDS * 2 ** min(self._failures - 1, 10)
        jitter = random.uniform(0.5, 1)  # noqa: S311 - spreads the attempts of many replicas
        return min(delay, LAST_SECONDS) * jitter
