"""What must be true of each step: of its answer, and of what it changed.

The rules are those of the design, said once more and in another way than the scripts say them.
They look at the data set before and after, at what the clients had seen until then (`Clients`),
and at the answer. The invariants of the data set (`invariants.py`) are checked apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_operator import OperatorRules
from seeds import ACCOUNT

from coordinator.errors import (
    InvalidRequestError,
    LeaseLostError,
    PipelineDeletedError,
    PollSupersededError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from search_parts import Claim

VERDICTS = {"canceled": "canceled", "lost": "superseded", "returned": "superseded"}


class Rules(OperatorRules):
    """What holds of each kind of step."""

    def check_kind(self) -> None:
        """Assert what holds of this kind of step."""
        getattr(self, f"check_{self.step.kind.replace(' ', '_')}")(self.answer.value)

    def check_report(self, verdict: Any) -> None:
        """The holder's report renews, and nobody else's does."""
        claim = self.step.claim
        where, held = self.holding(claim)
        if not held:
            self.nothing_more(claim)
            return self.told(claim, verdict)
        record, old = self.after.instances[where], self.before.instances[where]
        deadline_ms = self.now_ms + int(record.get("progress_timeout_ms", self.config.progress_ms))
        assert self.answer.error is None, "a report of the holder was refused"
        assert verdict == ("accepted" if "acked_ms" in old else "acknowledged"), verdict
        assert int(record["deadline_ms"]) == deadline_ms, "not renewed"
        assert int(record["renewed_ms"]) == self.now_ms, "not renewed"
        assert "acked_ms" in record, "not acknowledged"
        if not self.step.fields:
            assert record.get("lost") == old.get("lost"), "silence is forgiven for nothing"
        return None

    def told(self, claim: Claim, verdict: Any) -> None:
        """Whoever holds nothing is told why, whatever came later."""
        if claim.fate == "deleted":
            assert verdict == "deleted", verdict
        elif self.gone(claim):
            late = claim.fate == "canceled" and verdict == "deleted"  # before the cursor came
            assert late or isinstance(self.answer.error, PipelineDeletedError), self.answer
        elif claim.fate.startswith("reported"):
            assert verdict == "repeat", verdict
        else:
            assert verdict == VERDICTS[claim.fate], f"{verdict} of a {claim.fate} one"

    def check_finish(self, outcome: Any) -> None:
        """The holder's result counts once; the same again is a repeat, another is refused."""
        claim, status = self.step.claim, self.step.status
        where, held = self.holding(claim)
        if held:
            return self.ended(where, outcome)
        self.nothing_more(claim)
        if self.gone(claim):
            assert isinstance(self.answer.error, PipelineDeletedError), self.answer
        elif claim.fate == "canceled":
            assert outcome == "canceled", self.answer
        elif claim.fate == f"reported {status}":
            assert outcome == "repeat", self.answer
        elif claim.fate.startswith("reported"):
            assert isinstance(self.answer.error, InvalidRequestError), self.answer
        else:
            assert isinstance(self.answer.error, LeaseLostError), self.answer
        return None

    def ended(self, where: tuple[str, str], outcome: Any) -> None:
        """A result of the holder ends the attempt, and perhaps the instance."""
        record, old = self.after.instances[where], self.before.instances[where]
        if self.step.status == "FINISHED":
            assert (outcome, record.get("status")) == ("finished", "FINISHED")
        elif int(old.get("tries", 0)) >= int(old["maximum_retries"]):
            assert (outcome, record.get("status")) == ("failed", "FAILED")
        else:
            delayed = int(old["retry_delay_ms"]) > 0
            assert (outcome, record["state"]) == ("retried", "delayed" if delayed else "ready")
            assert int(record["attempt"]) == int(old["attempt"]) + 1

    def holding(self, claim: Claim) -> tuple[tuple[str, str], bool]:
        """Say what a claim is for, and whether it holds the lease of it."""
        where = self.before.holders().get(claim.handle.claim)
        return where or ("", ""), where is not None

    def nothing_more(self, claim: Claim) -> None:
        """Nothing is changed, but that a deactivation is carried out where it has not come yet."""
        where = f"{ACCOUNT}:{claim.handle.pipeline_id}", str(claim.handle.n)
        if where not in self.before.doomed:
            self.unchanged()

    def gone(self, claim: Claim) -> bool:
        """Say whether the claim's pipeline is deleted."""
        return f"{ACCOUNT}:{claim.handle.pipeline_id}" in self.before.deleted

    def check_claim(self, task: Any) -> None:
        """A repeat gets what its call was given before; else the oldest that is ready goes out."""
        if self.latest() > self.step.tries:
            assert isinstance(self.answer.error, PollSupersededError), "a barred try claimed"
            return
        assert self.answer.error is None, self.answer.error
        mine, ready = self.given_before(), self.before.ready(self.step.group)
        if mine is not None:
            assert task is not None, "a repeat got nothing"
            assert task.claim == mine.handle.claim, "a repeat got another task"
            assert not self.moves, "a repeat moved something"
        elif not ready:
            assert task is None, f"{task} was not ready"
        else:
            assert task is not None, "ready, but not handed out"
            self.granted(task, ready)

    def latest(self) -> int:
        """Return the last try of the call that has begun; 0 if it is not remembered any more."""
        words = self.before.calls.get(self.step.call, "").split()
        return int(words[-1]) if words else 0

    def given_before(self) -> Claim | None:
        """Return what the call holds unacknowledged, for as long as that is remembered."""
        holders = self.before.holders()
        for claim in self.clients.claims:
            where = holders.get(claim.handle.claim)
            mine = claim.call == self.step.call and claim.until_ms > self.now_ms
            if where and mine and "acked_ms" not in self.before.instances[where]:
                return claim
        return None

    def granted(self, task: Any, ready: list[tuple[str, str]]) -> None:
        """A hand-out is a new lease on the first that was ready of a pipeline, with a new claim."""
        where = self.after.holders()[task.claim]
        record = self.after.instances[where]
        first = min((n for scope, n in ready if scope == where[0]), key=self.place(where[0]))
        assert where[1] == first, f"{where} is handed out before {first}"
        assert task.claim == self.step.new_claim, "an old claim was handed out"
        assert int(record["deadline_ms"]) == self.now_ms + self.config.ack_ms
        assert "acked_ms" not in record
        assert len(self.moves) == 1

    def place(self, scope: str) -> Callable[[str], tuple[int, int]]:
        """Return what ready instances of a pipeline are sorted by."""
        return lambda n: (int(self.before.instances[scope, n]["scheduled_ms"]), int(n))

    def check_bar(self, held: Any) -> None:
        """The earlier tries are barred, unless one of them has a task."""
        held_before = self.before.calls.get(self.step.call, "").startswith("claim ")
        assert held == held_before, held
        assert held or self.given_before() is None, "what an earlier try holds is not found"
        if not held:
            words = self.after.calls[self.step.call].split()
            assert words == ["barred", str(max(self.latest(), self.step.tries))], words

    def check_give_back(self, returned: Any) -> None:
        """What nobody was told goes back; what was acknowledged, or told to a later try, stays."""
        claim = self.step.claim
        where, held = self.holding(claim)
        may = held and claim.tries <= self.step.tries and claim.until_ms > self.now_ms
        may = may and "acked_ms" not in self.before.instances[where]
        assert not (returned and claim.told), "a runner was told of what is given back"
        if not self.gone(claim):
            assert returned == may, f"returned: {returned}, may be: {may}"
        if not returned:
            self.unchanged()

    def check_run_due(self, run: Any) -> None:
        """What is due is applied, oldest first, and nothing else; leases get their grace."""
        assert self.answer.error is None, self.answer.error
        assert run.now_ms == self.now_ms
        assert getattr(run, "broken", 0) == 0, "a timer could not be applied"
        overdue = [t for t, at in self.before.timers.items() if at < self.now_ms]
        assert run.applied + getattr(run, "put_off", 0) <= self.step.limit
        for timer, at in self.before.timers.items():
            if at >= self.now_ms and timer not in self.after.timers:
                kind, _, rest = timer.partition(":")
                assert kind in {"lease", "timeout", "retry", "fanout"}, timer
                doomed = tuple(rest.rsplit(":", 1)) in self.before.doomed
                ended = any(due.endswith(rest) or due.startswith("delete") for due in overdue)
                assert doomed or ended, timer
        if not overdue:
            assert not self.moves, "something happened before its time"
        elif not run.more and self.step.limit > 1:
            left = [t for t, at in self.after.timers.items() if at < self.now_ms]
            assert not left, f"{left} was left"
        self.graced()

    def graced(self) -> None:
        """A deadline moves only to the end of the grace, for what was renewed before the gap."""
        for where, record in self.after.instances.items():
            old = self.before.instances.get(where, {})
            if record.get("claim") != old.get("claim") or "claim" not in record:
                continue
            if record["deadline_ms"] != old["deadline_ms"]:
                gap_ms = self.gap_end_ms()
                assert gap_ms > int(old["renewed_ms"]), "a grace without an outage"
                assert int(record["deadline_ms"]) == gap_ms + self.config.grace_ms
