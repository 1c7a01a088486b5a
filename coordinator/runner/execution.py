"""One task in hand, from its hand-out to its result."""

from __future__ import annotations

import logging
import math
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from coordinator.runner.context import Context
from coordinator.runner.errors import CallError, LeaseLostError, RefusedError
from coordinator.runner.events import Event
from coordinator.runner.group import DEATH_SECONDS, KILL_AFTER
from coordinator.runner.lease import Lease
from coordinator.runner.outcome import Outcome, of_not_yet_refused, of_stopped
from coordinator.runner.pauses import BackOff, Outage
from coordinator.runner.work import Work

if TYPE_CHECKING:
    from coordinator.runner.api import Api
    from coordinator.runner.guard import Guard
    from coordinator.runner.registry import Handler, Registry
    from coordinator.runner.task import Task

logger = logging.getLogger(__name__)

KILL_AFTER_GIVING_UP = 2.0  # the grace is over: whoever stops us will not wait much longer
LAST_WORDS_SECONDS = 5.0  # likewise, for the end of what was killed and the report of the failure
END_AFTER_GIVING_UP = KILL_AFTER_GIVING_UP + 1.5  # what was killed has ended by then


class Execution:
    """Sees one task through. `run` is for the thread that polled; `give_up` for any other."""

    def __init__(self, task: Task, api: Api, guard: Guard, handlers: Registry) -> None:
        self._task, self._api, self._guard, self._handlers = task, api, guard, handlers
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._lease = Lease(api, task, self._events.put)
        self._words_end_at: float | None = None
        self._started_at = time.monotonic()

    def run(self) -> None:
        """Acknowledge the task, work on it for as long as the lease lasts, and set its status.

        The work starts when the first report was taken, so that nobody works without a lease.
        """
        self._log("taken: %s, attempt %s", self._task.type, self._task.first("@attemptCount"))
        self._lease.start()
        try:
            outcome = self._once_acknowledged()
            if outcome is not None:
                self._deliver(outcome)
        finally:
            self._lease.end()

    def give_up(self) -> None:
        """Stop the work, and report it as failed."""
        self._words_end_at = time.monotonic() + KILL_AFTER_GIVING_UP + LAST_WORDS_SECONDS
        self._events.put(Event.GIVE_UP)

    def _once_acknowledged(self) -> Outcome | None:
        event = self._next_event()
        if event is Event.ACKNOWLEDGED:
            return self._work()
        self._log("not begun: %s", _why(event))
        return of_stopped() if event is Event.GIVE_UP else None

    def _work(self) -> Outcome | None:
        """Return what to report; None when the task is not ours any more."""
        handler = self._handlers.find(self._task.type)
        if handler is None:
            return _no_handler(self._task.type, self._handlers.types())
        context = Context(self._lease.report, self._guard)
        work = self._begin(handler, context)
        event = self._next_event()
        if event is not Event.ENDED:
            return self._stop(work, context, event)
        self._lease.flush()
        return work.outcome

    def _begin(self, handler: Handler, context: Context) -> Work:
        return Work(handler.call, self._task, context, lambda: self._events.put(Event.ENDED))

    def _stop(self, work: Work, context: Context, event: Event) -> Outcome | None:
        self._log("%s: stopping the work", _why(event))
        given_up = event is Event.GIVE_UP
        context.cancel(_why(event), KILL_AFTER_GIVING_UP if given_up else KILL_AFTER)
        ended = self._until_ended(given_up)
        if not given_up:
            return None
        self._lease.flush()
        return of_stopped(work.last_words(), ended=ended)

    def _until_ended(self, given_up: bool) -> bool:
        """Wait for the work to end: as long as it takes, unless the runner stops.

        Until then the task keeps its place: a thread cannot be ended from outside.
        """
        timeout: float | None = END_AFTER_GIVING_UP if given_up else KILL_AFTER + DEATH_SECONDS
        while True:
            try:
                event = self._events.get(timeout=timeout)
            except Empty:
                self._log("its handler has not ended yet, although it was told to")
                if self._words_end_at is not None:
                    return False
                timeout = None
                continue
            if event is Event.ENDED:
                return True
            if event is Event.GIVE_UP:
                timeout = END_AFTER_GIVING_UP

    def _next_event(self) -> Event:
        """Wait for what happens next; at the latest the lease runs out."""
        while (remaining := self._lease.remaining()) > 0:
            try:
                return self._events.get(timeout=remaining)
            except Empty:
                continue  # it may have been renewed meanwhile
        return Event.LOST

    def _deliver(self, outcome: Outcome) -> None:
        """Set the task's status; a FALSE that is not taken, as for an activity, is a failure."""
        try:
            self._set_status(outcome)
        except RefusedError as error:
            self._log("its status %s was not taken: %s", outcome.status, error)
            if outcome.not_yet:
                self._deliver(of_not_yet_refused(outcome))

    def _set_status(self, outcome: Outcome) -> None:
        """Set it; try for as long as the lease lasts.

        Raises:
            RefusedError: trying again cannot help.
        """
        outage, back_off = Outage(f"status of {self._task.attempt_id}"), BackOff()
        while True:
            try:
                self._api.finish(self._task.handle, outcome)
            except RefusedError:
                raise
            except LeaseLostError as error:
                return self._log("its status %s was not taken: %s", outcome.status, error)
            except CallError as error:
                outage.failed(error)
            else:
                return self._log_outcome(outcome)
            if not self._may_try_again(back_off.pause()):
                return self._log("its status %s could not be delivered", outcome.status)

    def _may_try_again(self, pause: float) -> bool:
        """Wait for `pause` seconds; return whether there is still a lease, and time, to go on."""
        try:
            event = self._events.get(timeout=max(0.0, min(pause, self._time_left())))
        except Empty:
            return self._time_left() > 0
        return event not in {Event.CANCELED, Event.LOST} and self._time_left() > 0

    def _time_left(self) -> float:
        """Return how many seconds it makes sense to tell the result."""
        words_end = self._words_end_at
        until_end = math.inf if words_end is None else words_end - time.monotonic()
        return min(self._lease.remaining(), until_end)

    def _log_outcome(self, outcome: Outcome) -> None:
        seconds = time.monotonic() - self._started_at
        if outcome.not_yet:
            self._log("not yet, after %.1f s: %s", seconds, outcome.message)
        elif outcome.error_id:
            self._log("failed after %.1f s: %s: %s", seconds, outcome.error_id, outcome.message)
        else:
            self._log("finished after %.1f s", seconds)

    def _log(self, text: str, *values: object) -> None:
        logger.info(
            f"task %s of %s {text}",  # noqa: G004 - only the constant parts are put together here
            self._task.attempt_id,
            self._task.pipeline_id,
            *values,
        )


def _why(event: Event) -> str:
    return {
        Event.CANCELED: "canceled",
        Event.LOST: "lost, as its lease is over",
        Event.GIVE_UP: "given up, as the runner stops",
    }[event]


def _no_handler(kind: str, known: list[str]) -> Outcome:
    return Outcome(
        "NoHandler",
        f"This task runner does not know the type {kind!r}; it knows {', '.join(known)}.",
    )
