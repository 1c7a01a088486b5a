"""What may happen to one task under leases, as the design promises it: a sequential model.

`check` says whether a call can have got its answer in a state, `after` what the call changes;
`hidden` is what happens without a call: a lease is lost by time, a task fails because nobody
acknowledged it, the data set is emptied.

Times are the earliest that are possible: of all orders of the calls, each at its earliest time, one
fits if any does, because all that the model demands of time is that something is not too early.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from lease_state import (
    CANCELED,
    DELETED,
    ENDED,
    FAILED,
    FINISHED,
    FREE,
    HELD,
    VANISHED,
    ImpossibleError,
    State,
    Task,
    Times,
    answers,
    check_read,
    describe,
    names_verdict,
    returned,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from history import Call, Fault
    from history_options import Options


class LeaseModel:
    """The model with the settings and the faults of one history."""

    def __init__(self, options: Options, faults: list[Fault]) -> None:
        self.options = options
        self.emptied = [fault for fault in faults if fault.kind == "emptied"]
        self.outages = [
            fault
            for fault in faults
            if fault.kind == "outage" and fault.ended - fault.began > options.outage_threshold
        ]

    def begin(self, activated: float = -inf) -> State:
        """The state of a new instance."""
        return State(Task(), Times(now=activated, free=activated, since=activated))

    def check(self, state: State, call: Call) -> None:
        """Raise if a call cannot have got its answer in this state.

        Raises:
            ImpossibleError: it cannot.
        """
        task = state.task
        if call.op == "read":
            check_read(task, call.verdict)
        elif call.op == "poll":
            self._check_grant(state, call)
        else:
            told = (call.outcome, call.verdict if names_verdict(call) else "")
            possible = answers(task, call)
            if told not in possible:
                expected = " or ".join(sorted(verdict or "ok" for _, verdict in possible))
                lease = self._why_held(state)
                raise ImpossibleError(
                    f"{call.op} of {call.handle or 'the operator'} was told "
                    f"{call.verdict or call.outcome}, not {expected}: {describe(task)}{lease}"
                )

    def _check_grant(self, state: State, call: Call) -> None:
        task, lease = state.task, self._why_held(state)
        again = task.phase == HELD and task.handle == call.handle and not task.acked
        if again and call.attempt in {0, task.attempt}:
            return
        if task.fate(call.handle) or (task.handle == call.handle and not again):
            fate = task.fate(call.handle) or "acknowledged"
            raise ImpossibleError(f"{call.handle} was handed out again after it was {fate}")
        if task.phase != FREE and not again:
            raise ImpossibleError(f"{call.handle} was handed out: {describe(task)}{lease}")
        if call.attempt and call.attempt != task.attempt:
            raise ImpossibleError(
                f"{call.handle} was handed out as attempt {call.attempt}, not {task.attempt}"
            )
        if self.options.timing and max(state.times.free, call.invoked) > returned(call):
            raise ImpossibleError(
                f"{call.handle} was handed out before {state.times.free:.3f}, when it was not free"
            )

    def _why_held(self, state: State) -> str:
        if state.task.phase != HELD or not self.options.timing:
            return ""
        return f"; that lease could not be lost before {self.lost_at(state):.3f}"

    def after(self, state: State, call: Call) -> Iterator[State]:
        """What may be after a call, if it has its effect; nothing if it has none."""
        now = max(state.times.now, call.invoked)
        state = state._replace(times=state.times._replace(now=now))
        if state.task.phase in {DELETED, VANISHED}:
            return
        yield from getattr(self, f"_after_{call.op}")(state, call)

    def _after_poll(self, state: State, call: Call) -> Iterator[State]:
        task, times = state
        if task.phase == HELD:
            yield state
            return
        now = max(times.now, times.free) if self.options.timing else times.now
        yield State(
            task._replace(phase=HELD, handle=call.handle, acked=False),
            times._replace(now=now, renewed=now, latest=-returned(call), claimed=now),
        )

    def _after_report(self, state: State, call: Call) -> Iterator[State]:
        task, times = state
        if task.phase == HELD and task.handle == call.handle:
            yield State(
                task._replace(acked=True, unacked=0),
                times._replace(renewed=times.now, latest=-returned(call), since=inf),
            )

    def _after_finish(self, state: State, call: Call) -> Iterator[State]:
        if state.task.phase == HELD and state.task.handle == call.handle:
            yield self._end(state, FINISHED, FINISHED)

    def _after_fail(self, state: State, call: Call) -> Iterator[State]:
        if state.task.phase == HELD and state.task.handle == call.handle:
            yield from self._failed(state, FAILED)

    def _failed(self, state: State, fate: str) -> Iterator[State]:
        """A failure that counts: what comes next."""
        retries, tries = self.options.maximum_retries, state.task.tries + 1
        if retries is None or tries > retries:
            yield self._end(state, FAILED, fate)
        if retries is None or tries <= retries:
            free = self._free(state, fate, state.task.attempt + 1, self.options.retry_delay)
            counted = 0 if retries is None else tries
            yield free._replace(task=free.task._replace(tries=counted, lost=0, unacked=0))

    def _after_cancel(self, state: State, _call: Call) -> Iterator[State]:
        task = state.task
        if task.phase in ENDED:
            yield state
        else:
            yield self._end(state, CANCELED, "canceled", closed=task.phase == HELD)
            if task.phase == FREE:  # a hand-out that nobody was told of may have been canceled
                yield self._end(state, CANCELED, "canceled", closed=True)

    def _after_rerun(self, state: State, _call: Call) -> Iterator[State]:
        task, now = state.task, state.times.now
        if task.phase not in ENDED:
            yield state
        else:
            attempt = task.attempt + task.closed
            again = Task(attempt=attempt, fates=task.fates)
            yield State(again, Times(now=now, free=now, since=now))

    def _after_delete(self, state: State, _call: Call) -> Iterator[State]:
        yield self._end(state, DELETED, "deleted")

    def _end(self, state: State, phase: str, fate: str, *, closed: bool = True) -> State:
        task, held = state.task, {(state.task.handle, fate)} if state.task.handle else set()
        ended = Task(phase, task.attempt, closed, fates=task.fates | held)
        return State(ended, Times(now=state.times.now))

    def _free(self, state: State, fate: str, attempt: int, delay: float = 0.0) -> State:
        task, now = state.task, state.times.now
        fates = task.fates | {(task.handle, fate)}
        freed = task._replace(phase=FREE, attempt=attempt, handle="", acked=False, fates=fates)
        free = now + delay - self.options.tolerance if delay else now
        since = now if attempt > task.attempt else state.times.since
        return State(freed, Times(now=now, free=free, since=since))

    def hidden(self, state: State) -> Iterator[State]:
        """What may happen next without a call."""
        task, times = state
        for fault in self.emptied:
            if times.now <= fault.ended:
                now = max(times.now, fault.began)
                yield State(Task(VANISHED, 0), Times(now=now))
        if task.phase == HELD:
            yield from self._lose(state)
            yield from self._over_time(state)
        elif task.phase == FREE:
            yield self._give_up(state)

    def _give_up(self, state: State) -> State:
        """It fails, after hand-outs of which nobody was told."""
        task, times, options = state.task, state.times, self.options
        timeout = min(options.ack_timeout, options.attempt_timeout or inf) - options.tolerance
        now = max(times.now, times.since + options.max_unacked * timeout)
        now = now if options.timing else times.now
        return self._end(State(task, times._replace(now=now)), FAILED, "lost")

    def _lose(self, state: State) -> Iterator[State]:
        state = state._replace(times=state.times._replace(now=self.lost_at(state)))
        if state.task.acked:
            yield from self._lose_silent(state)
        else:
            yield from self._lose_unacked(state)

    def _lose_silent(self, state: State) -> Iterator[State]:
        lost = min(state.task.lost + 1, self.options.max_lost)
        if lost == self.options.max_lost:
            yield self._end(state, FAILED, "lost")
        if lost < self.options.max_lost or self.options.reports_change:
            free = self._free(state, "lost", state.task.attempt + 1)
            yield free._replace(task=free.task._replace(lost=lost, unacked=0))

    def _lose_unacked(self, state: State) -> Iterator[State]:
        unacked = state.task.unacked + 1
        if unacked >= self.options.max_unacked:
            yield self._end(state, FAILED, "lost")
        else:
            free = self._free(state, "lost", state.task.attempt)
            yield free._replace(task=free.task._replace(unacked=unacked))

    def _over_time(self, state: State) -> Iterator[State]:
        limit, now = self.options.attempt_timeout, state.times.now
        if not limit:
            return
        if self.options.timing:
            now = max(now, state.times.claimed + limit - self.options.tolerance)
        state = state._replace(times=state.times._replace(now=now))
        if state.task.acked:
            yield from self._failed(state, "lost")
        else:
            yield from self._lose_unacked(state)

    def lost_at(self, state: State) -> float:
        """The earliest time at which the holder's lease may be taken away."""
        task, times, options = state.task, state.times, self.options
        if not options.timing:
            return times.now
        timeout = options.progress_timeout if task.acked else options.ack_timeout
        return min(
            self._graced(times.now, renewed, timeout - options.tolerance)
            for renewed in self._renewals(times)
        )

    def _renewals(self, times: Times) -> list[float]:
        """The earliest renewal, and those right after an outage, from when on there is no grace."""
        ends = (outage.ended for outage in self.outages)
        return [times.renewed, *(end for end in ends if times.renewed < end <= -times.latest)]

    def _graced(self, now: float, renewed: float, timeout: float) -> float:
        lost = max(now, renewed + timeout)
        for outage in self.outages:
            end = outage.ended + self.options.outage_grace - self.options.tolerance
            if renewed < outage.ended and outage.began < lost < end:
                lost = end
        return lost
