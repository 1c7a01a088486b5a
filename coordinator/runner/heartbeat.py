"""Tells the coordinator now and then that this runner lives, and hears whether it shall end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from coordinator.runner.errors import CallError
from coordinator.runner.pauses import Outage

if TYPE_CHECKING:
    from coordinator.runner.api import Api
    from coordinator.runner.stopping import Stopping

logger = logging.getLogger(__name__)

AFTER_A_FAILURE = 30.0


class Heartbeat:
    """Sent at once and then every `seconds`, until the runner drains."""

    def __init__(self, api: Api, stopping: Stopping, seconds: float) -> None:
        self._api, self._stopping, self._seconds = api, stopping, seconds
        self._outage = Outage("heartbeats")

    def run(self) -> None:
        """Send them; the thread's whole life."""
        while not self._stopping.draining.is_set():
            self._stopping.draining.wait(self._beat())

    def _beat(self) -> float:
        """Send one; return how long to wait before the next."""
        try:
            terminate = self._api.heartbeat()
        except CallError as error:
            self._outage.failed(error)
            return min(AFTER_A_FAILURE, self._seconds)
        self._outage.succeeded()
        if terminate:
            logger.info("the coordinator tells this runner to terminate")
            self._stopping.terminate()
        return self._seconds
