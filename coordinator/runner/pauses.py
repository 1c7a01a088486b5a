"""Pauses between calls that fail, and one line in the log for a whole outage."""

from __future__ import annotations

import logging
import random
import threading

logger = logging.getLogger(__name__)


class BackOff:
    """Growing pauses, each drawn at random, so that many runners do not come back together."""

    def __init__(self, first: float = 0.2, longest: float = 5.0) -> None:
        self._first, self._longest = first, longest
        self._next = first

    def pause(self) -> float:
        """Return the next pause in seconds."""
        pause, self._next = self._next, min(self._next * 2, self._longest)
        return pause * random.uniform(0.5, 1)  # noqa: S311 - nobody gains by guessing it

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._next = self._first


class Outage:
    """Logs the first failure of a row, and the success that ends it."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._failing = False

    def failed(self, error: Exception) -> None:
        """Note a failure."""
        with self._lock:
            first, self._failing = not self._failing, True
        if first:
            logger.warning("%s: failing, will go on trying: %s", self._what, error)

    def succeeded(self) -> None:
        """Note a success."""
        with self._lock:
            over, self._failing = self._failing, False
        if over:
            logger.info("%s: recovered", self._what)
