"""A thread that polls, and works on what it gets: one of these for each task at once."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from coordinator.runner.errors import CallError
from coordinator.runner.execution import Execution
from coordinator.runner.pauses import BackOff, Outage

if TYPE_CHECKING:
    from coordinator.runner.api import Api
    from coordinator.runner.guard import Guard
    from coordinator.runner.registry import Registry
    from coordinator.runner.stopping import Stopping
    from coordinator.runner.task import Task

logger = logging.getLogger(__name__)

SHORT_POLL = 0.2  # an empty answer sooner than this: the coordinator does not hold polls


class Worker:
    """Polls and executes until the runner drains."""

    def __init__(
        self, api: Api, guard: Guard, stopping: Stopping, outage: Outage, handlers: Registry
    ) -> None:
        self._api, self._guard, self._stopping, self._outage = api, guard, stopping, outage
        self._handlers = handlers
        self._back_off = BackOff()

    def run(self) -> None:
        """Work until the runner drains; the thread's whole life."""
        while not self._stopping.draining.is_set():
            task = self._poll()
            if task is not None:
                self._execute(task)

    def _poll(self) -> Task | None:
        asked_at = time.monotonic()
        try:
            task = self._api.poll()
        except CallError as error:
            self._failed(error)
            return None
        self._outage.succeeded()
        self._back_off.reset()
        if task is None and time.monotonic() - asked_at < SHORT_POLL:
            self._stopping.draining.wait(SHORT_POLL)
        return task

    def _failed(self, error: CallError) -> None:
        if not self._stopping.draining.is_set():  # else we broke it off ourselves
            self._outage.failed(error)
            self._stopping.draining.wait(self._back_off.pause())

    def _execute(self, task: Task) -> None:
        execution = Execution(task, self._api, self._guard, self._handlers)
        if not self._stopping.begin(execution):
            logger.info("task %s came too late: left for another runner", task.attempt_id)
            return
        try:
            execution.run()
        except Exception:
            logger.exception("task %s: the runner failed; its lease will run out", task.attempt_id)
        finally:
            self._stopping.end(execution)
