"""The lease of a task in hand: renewed from a thread of its own, timed by our own clock."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from coordinator.runner.errors import CallError, LeaseLostError, RefusedError
from coordinator.runner.events import Event
from coordinator.runner.pauses import BackOff, Outage
from coordinator.runner.reported import Reported
from coordinator.runner.task import ACKNOWLEDGE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coordinator.runner.api import Api
    from coordinator.runner.task import Task

logger = logging.getLogger(__name__)

FIELDS_EVERY = 1.0  # seconds at least between two reports, however often a handler reports


class Lease:
    """Renewed from `start` to `end`; what happens to it is told to `notify`, from the thread.

    A report that was answered makes the lease last from the moment it was *sent*: the coordinator
    counts from a later one, so this clock never runs out after the coordinator's.
    """

    def __init__(self, api: Api, task: Task, notify: Callable[[Event], None]) -> None:
        self._api, self._task, self._notify = api, task, notify
        self._ends_at = time.monotonic() + ACKNOWLEDGE_SECONDS
        self._acknowledged = False
        self._over = threading.Event()
        self._wake = threading.Event()
        self._reported = Reported()
        self._outage = Outage(f"reports of {task.attempt_id}")
        self._back_off = BackOff(longest=min(5.0, task.pace_seconds))

    def start(self) -> None:
        """Report at once, which acknowledges the task, and from then on at its pace."""
        threading.Thread(
            target=self._keep_reporting, name=f"lease-{self._task.attempt_id}", daemon=True
        ).start()

    def end(self) -> None:
        """Report no more."""
        self._over.set()
        self._wake.set()

    def remaining(self) -> float:
        """Return how many seconds the lease lasts if no report gets through; at most 0 if over."""
        return self._ends_at - time.monotonic()

    def report(self, fields: Mapping[str, str]) -> None:
        """Let the next report carry `fields`, and come soon."""
        self._reported.add(fields)
        self._wake.set()

    def flush(self) -> None:
        """Send what was reported and not sent yet; for before the result, which ends reports."""
        with self._reported.sending() as fields:
            if fields and not self._over.is_set():
                self._send(fields)

    def _keep_reporting(self) -> None:
        while not self._over.is_set() and self.remaining() > 0:
            sent_at = time.monotonic()
            self._wait(sent_at, self._report())

    def _wait(self, sent_at: float, seconds: float) -> None:
        """Wait for `seconds`, or until there are fields to report, but not less than a second."""
        woken = self._wake.wait(seconds)
        self._wake.clear()
        if woken:
            self._over.wait(max(0.0, min(sent_at + FIELDS_EVERY - time.monotonic(), seconds)))

    def _report(self) -> float:
        """Report once; return how long to wait before the next time."""
        with self._reported.sending() as fields:
            return self._send(fields)

    def _send(self, fields: dict[str, str]) -> float:
        """Send a report; return likewise. `fields` are emptied when they need no other try."""
        sent_at = time.monotonic()
        try:
            goes_on = self._api.report(self._task.handle, fields)
        except LeaseLostError:
            return self._finally(Event.LOST)
        except CallError as error:
            return self._failed(error, fields)
        fields.clear()
        if not goes_on:
            return self._finally(Event.CANCELED)
        self._renewed(sent_at)
        return self._task.pace_seconds

    def _failed(self, error: CallError, fields: dict[str, str]) -> float:
        if fields and isinstance(error, RefusedError):  # the lease must not suffer from them
            logger.warning("task %s: its fields were not taken: %s", self._task.attempt_id, error)
            fields.clear()
            return 0
        self._outage.failed(error)
        return self._back_off.pause()

    def _renewed(self, sent_at: float) -> None:
        self._ends_at = sent_at + self._task.lease_seconds
        self._outage.succeeded()
        self._back_off.reset()
        if not self._acknowledged:
            self._acknowledged = True
            self._notify(Event.ACKNOWLEDGED)

    def _finally(self, event: Event) -> float:
        self.end()
        self._notify(event)
        return 0
