"""How a runner ends: it drains (takes no new task), and after its grace it gives up.

Everything that ends it goes through one queue, read by the main thread. A SimpleQueue may be
written to by a signal handler at any instant, which a lock or an Event may not.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.execution import Execution

logger = logging.getLogger(__name__)
HEARD_WITHIN = 1.0  # seconds until a signal is heard, at worst


class Request(Enum):
    """Put into the queue of the main thread."""

    SIGNAL = auto()  # the first drains, the second gives up, the third leaves at once
    TERMINATE = auto()  # the coordinator wants this runner to end
    TASK_ENDED = auto()


class Stopping:
    """The tasks in hand, and how far the stop has come."""

    def __init__(self, grace: float, when_draining: Callable[[], None]) -> None:
        self._grace = grace
        self._when_draining = when_draining
        self._requests: SimpleQueue[Request] = SimpleQueue()
        self._executions: set[Execution] = set()
        self._lock = threading.Lock()
        self._gave_up = False
        self.draining = threading.Event()

    def on_signals(self) -> None:
        """Let SIGTERM and SIGINT stop the runner; for the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._requests.put(Request.SIGNAL))

    def terminate(self) -> None:
        """Stop as a SIGTERM does; repeating it does no more."""
        self._requests.put(Request.TERMINATE)

    def begin(self, execution: Execution) -> bool:
        """Count a task as in hand; False if the runner takes no more."""
        with self._lock:
            if not self.draining.is_set():
                self._executions.add(execution)
            return execution in self._executions

    def end(self, execution: Execution) -> None:
        """Count it no more."""
        with self._lock:
            self._executions.discard(execution)
        self._requests.put(Request.TASK_ENDED)

    def wait(self) -> bool:
        """Wait for the end of the runner; return whether every task in hand came to its end."""
        self._until_asked()
        self._drain()
        asked_again = self._until_idle(time.monotonic() + self._grace)
        if self._executions:
            logger.warning("giving up: %s", "asked again" if asked_again else "the grace is over")
            self._give_up()
            self._until_idle(None)
        return not self._gave_up

    def _until_asked(self) -> None:
        while self._next(None) in {None, Request.TASK_ENDED}:
            pass

    def _drain(self) -> None:
        with self._lock:
            self.draining.set()
        logger.info("stopping: no new tasks, %d in hand", len(self._executions))
        self._when_draining()

    def _until_idle(self, deadline: float | None) -> bool:
        """Wait for the last task in hand, until `deadline`; return whether a signal came first."""
        while self._executions:
            request = self._next(deadline)
            if request is None and deadline is not None and time.monotonic() >= deadline:
                return False
            if request is Request.SIGNAL:
                return True
        return False

    def _next(self, deadline: float | None) -> Request | None:
        """Wait for a request, until `deadline` and at most a second; return None if none came.

        Python runs a signal's handler when the main thread is back from waiting. One that arrives
        just before it begins to wait, or in another thread, does not wake it.
        """
        left = HEARD_WITHIN if deadline is None else deadline - time.monotonic()
        try:
            return self._requests.get(timeout=min(max(0.0, left), HEARD_WITHIN))
        except Empty:
            return None

    def _give_up(self) -> None:
        with self._lock:
            self._gave_up = True
            for execution in self._executions:
                execution.give_up()
