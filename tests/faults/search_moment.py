"""A step that was made, and what must be true of each: who may take a lease, what only grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_parts import STATUSES
from search_store import meaning
from tables import rows

if TYPE_CHECKING:
    from search_parts import Config, Step
    from search_states import State
    from search_store import Answer
    from search_view import View

SCRIPTS = {
    "activate": "activate_pipeline",
    "claim": "claim_task",
    "give back": "return_task",
    "finish": "finish_task",
    "deactivate": "deactivate_pipeline",
    "run due": "run_due",
    **STATUSES,
}
MOVES = {
    (row[0], row[1], name) for row in rows("States of an instance") for name in row[2].split(", ")
}


class Moment:
    """One step that was made: before, answer, after."""

    def __init__(
        self, config: Config, state: State, step: Step, before: View, after: View, answer: Answer
    ) -> None:
        self.config = config
        self.clients = state.clients
        self.data = state.data
        self.now_ms = state.now_ms
        self.step = step
        self.before = before
        self.after = after
        self.answer = answer
        self.moves = set(self._moves())

    def check(self) -> None:
        """Assert every rule."""
        for rule in (self.moved, self.fenced, self.monotonic):
            rule()
        if self.answer.error is not None:
            self.unchanged()
        self.check_kind()

    def check_kind(self) -> None:
        """Assert what holds of this kind of step."""
        raise NotImplementedError

    def _moves(self) -> Any:
        for where, record in self.after.instances.items():
            old = self.before.instances.get(where, {}).get("state", "none")
            if old != record["state"]:
                yield where, old, record["state"]
        for where in self.before.instances.keys() - self.after.instances.keys():
            yield where, "any", "gone"

    def moved(self) -> None:
        """Every change of state is one of the table in lua/README.md."""
        script = SCRIPTS.get(self.step.kind, self.step.kind)
        for where, old, new in self.moves:
            known = MOVES & {(old, new, script), ("any", new, script)}
            assert known, f"{where}: {old} to {new} by {script}"

    def fenced(self) -> None:
        """A lease is taken from its holder only by what may take it."""
        after = self.after.holders()
        for claim, where in self.before.holders().items():
            if claim in after:
                assert after[claim] == where, f"{claim} moved"
            else:
                self.may_take(claim, where)
        held = list(after.values())
        assert len(held) == len(set(held)), "an instance has two holders"

    def may_take(self, claim: str, where: tuple[str, str]) -> None:
        """Say who may end the lease of `claim`."""
        kind, record = self.step.kind, self.before.instances[where]
        if kind == "finish":
            assert self.step.claim.handle.claim == claim, "ended by the handle of another"
        elif kind == "give back":
            assert self.step.claim.handle.claim == claim, "given back by another"
            assert "acked_ms" not in record, "given back after it was acknowledged"
        elif kind in {"cancel", "mark"}:
            assert record["id"] in self.step.ids, "canceled, but not named"
        elif kind == "deactivate":
            assert where[0] == self.step.scope, "canceled with another pipeline"
        elif kind == "run due":
            self.may_lose(record)
        else:
            assert kind == "delete", f"{kind} ended a lease"

    def may_lose(self, record: dict[str, str]) -> None:
        """A lease is lost after its deadline, and not in the grace after an outage."""
        timeout_ms = int(record["attempt_timeout_ms"])
        if timeout_ms and int(record["claimed_ms"]) + timeout_ms < self.now_ms:
            return
        assert int(record["deadline_ms"]) < self.now_ms, "lost before its deadline"
        gap_ms = self.gap_end_ms()
        if int(record["renewed_ms"]) < gap_ms:
            assert self.now_ms > gap_ms + self.config.grace_ms, "lost within the grace"

    def gap_end_ms(self) -> int:
        """When the last outage ended, as the clients have seen it."""
        last = self.clients.last_run_ms
        ended = last and self.now_ms - last > self.config.threshold_ms
        return self.now_ms if ended else self.clients.gap_end_ms

    def monotonic(self) -> None:
        """Attempts and fencing tokens only grow, and a result is never changed."""
        for where, record in self.after.instances.items():
            old = self.before.instances.get(where)
            if old is None:
                continue
            assert int(record["attempt"]) >= int(old["attempt"]), f"{where}: an attempt again"
            grown = int(record.get("token", 0)) - int(old.get("token", 0))
            given = record.get("claim") not in {None, old.get("claim")}
            assert grown > 0 if given else grown == 0, f"{where}: token {grown:+}"
            if old["state"] == "terminal" and where not in self.before.doomed:
                assert self.may_change(record, old), f"{where}: another result"

    def may_change(self, record: dict[str, str], old: dict[str, str]) -> bool:
        """In what has ended only a cursor goes on, until somebody runs it again or marks it."""
        changed = {k for k in record.keys() | old.keys() if record.get(k) != old.get(k)}
        if changed <= {"fan_from", "revives"}:
            return True
        if self.step.kind in {"rerun", "mark"}:
            return record["id"] in self.step.ids
        revived = old["status"] == "CASCADE_FAILED" and record["state"] != "terminal"
        return revived and self.step.kind in {"run due", "finish"}

    def unchanged(self) -> None:
        """Nothing at all was changed."""
        old, new = self.data, self.answer.data
        assert old == new or meaning(old) == meaning(new), "a call that has no effect had one"
