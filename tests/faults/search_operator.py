"""What must be true of each step of the operator: of its answer, and of what it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_moment import Moment
from search_parts import NOBODY

from coordinator.errors import (
    InvalidRequestError,
    NotStagedError,
    PipelineDeletedError,
    VersionChangedError,
)

if TYPE_CHECKING:
    from coordinator.errors import CoordinatorError


class OperatorRules(Moment):
    """What holds of each kind of step of the operator."""

    def check_cancel(self, count: Any) -> None:
        """Each of those named that has not ended is CANCELED; sent again it changes nothing."""
        self.asked(count, "terminal", {"terminal"})

    def check_rerun(self, count: Any) -> None:
        """Each of those named that has ended will run again; sent again it changes nothing."""
        self.asked(count, "terminal", {"ready", "blocked"})

    def asked(self, count: Any, end: str, into: set[str]) -> None:
        """What the operator asks for happens to just those that are named."""
        if self.step.repeat:
            return self.unchanged()
        if self.step.scope in self.before.deleted:
            assert isinstance(self.answer.error, PipelineDeletedError), self.answer
            return None
        if NOBODY in self.step.ids:
            assert isinstance(self.answer.error, InvalidRequestError), self.answer
            return None
        assert self.answer.error is None, self.answer.error
        ended = self.step.kind == "rerun"
        named = self.named()
        hit = {w for w in named if (self.before.instances[w]["state"] == end) == ended}
        moved = {where for where, _, _ in self.moves}
        hopeless = {where for where in hit if ended and self.hopeless(where, moved)}
        assert hit - hopeless <= moved <= hit, f"{moved} of {hit}"
        assert all(new in into for _, _, new in self.moves)
        late = set() if ended else named & self.before.doomed  # what a cursor would have canceled
        assert count == len(moved | late), count
        return None

    def named(self) -> set[tuple[str, str]]:
        """Return the instances that the step names."""
        mine = {w: r for w, r in self.before.instances.items() if w[0] == self.step.scope}
        return {where for where, record in mine.items() if record["id"] in self.step.ids}

    def hopeless(self, where: tuple[str, str], moved: set[tuple[str, str]]) -> bool:
        """Say whether an instance would only fail again with something that it needs."""
        needs = [(where[0], need) for need in self.before.instances[where]["needs"].split()]
        known = [need for need in needs if need in self.before.instances and need not in moved]
        return any(self.takes_down(self.before.instances[need]) for need in known)

    @staticmethod
    def takes_down(record: dict[str, str]) -> bool:
        """Say whether an instance has failed, and what waits for it with it."""
        return record.get("status", "FINISHED") != "FINISHED" and "cascade" in record

    def check_mark(self, count: Any) -> None:
        """Each of those named is FINISHED; sent again it changes nothing."""
        if self.step.repeat or self.step.scope in self.before.deleted:
            return self.unchanged()
        named = self.named()
        assert {where for where, _, _ in self.moves} <= named
        assert all(self.after.instances[where]["status"] == "FINISHED" for where in named)
        wrong = {w for w in named if self.before.instances[w].get("status") != "FINISHED"}
        assert count == len(wrong), count
        return None

    def check_pause(self, count: Any) -> None:
        """Components are paused, and nothing happens to their instances."""
        self.switched(count, self.before.paused, self.after.paused)

    def check_resume(self, count: Any) -> None:
        """Components are paused no more, and nothing happens to their instances."""
        self.switched(count, self.after.paused, self.before.paused)

    def switched(self, count: Any, fewer: dict[str, set[str]], more: dict[str, set[str]]) -> None:
        """Just the components that are named are paused, or no more."""
        if self.step.repeat or self.step.scope in self.before.deleted:
            return self.unchanged()
        assert not self.moves, "a pause moved something"
        few, many = fewer.get(self.step.scope, set()), more.get(self.step.scope, set())
        named = set(self.step.ids)
        assert (many - few <= named, len(many - few)) == (True, count), count
        assert named <= (many if self.step.kind == "pause" else named - few)
        return None

    def check_hold(self, _: Any) -> None:
        """Deactivating without a cancel ends nothing."""
        assert not self.moves, "a hold moved something"
        self.deactivated()

    def check_deactivate(self, _: Any) -> None:
        """Deactivating cancels all of the pipeline at once, and nothing else."""
        self.deactivated()
        if self.step.repeat or self.answer.error is not None:
            return
        living = {w for w, r in self.before.instances.items() if r["state"] != "terminal"}
        mine = {where for where in living if where[0] == self.step.scope}
        assert {where for where, _, _ in self.moves} == mine

    def deactivated(self) -> None:
        """A deleted pipeline cannot be deactivated; sent again it changes nothing."""
        if self.step.repeat:
            return self.unchanged()
        gone = self.step.scope in self.before.deleted
        assert isinstance(self.answer.error, PipelineDeletedError) == gone, self.answer
        return None

    def check_delete(self, _: Any) -> None:
        """A pipeline is deleted once."""
        if self.step.repeat:
            return self.unchanged()
        before = self.step.scope in self.before.deleted
        assert (self.answer.error is None) == (not before), self.answer
        assert self.step.scope in self.after.deleted, "not deleted"
        return None

    def check_activate(self, started: Any) -> None:
        """An activation makes instances, one after the other; sent again it makes none."""
        if self.step.repeat:
            assert started is None, started
            return self.unchanged()
        if self.step.scope in self.before.deleted:
            assert isinstance(self.answer.error, PipelineDeletedError), self.answer
            return None
        wrong = self.not_to_start()
        if wrong is not None:
            assert isinstance(self.answer.error, wrong), self.answer
            return None
        assert self.answer.error is None, self.answer.error
        if "held" in self.before.pipelines[self.step.scope]:
            return self.goes_on(started)
        assert started * 1000 > self.now_ms - 1000, "started in the past"
        assert self.moves, "nothing was started"
        assert {where[0] for where, _, _ in self.moves} == {self.step.scope}
        return None

    def goes_on(self, started: Any) -> None:
        """A pipeline that was held goes on with what is left of it, if anything is."""
        mine = [r for w, r in self.before.instances.items() if w[0] == self.step.scope]
        left = any(record["state"] != "terminal" for record in mine)
        canceling = "canceling" in self.before.pipelines[self.step.scope]
        assert started is None or canceling or not left, "started though something is left"
        assert (started is None) == (not self.moves), "resumed and started"

    def not_to_start(self) -> type[CoordinatorError] | None:
        """Return the refusal of a version that is not there, not the latest, or not all stored."""
        latest = self.before.latest.get(self.step.scope)
        if latest is None:
            return InvalidRequestError
        if latest != self.step.version:
            return VersionChangedError
        staged = self.before.staged.get(f"{self.step.scope}:{latest}", 0)
        whole = 2 * len(self.config.parts) + 1
        return NotStagedError if self.step.staged and staged < whole else None

    def check_put(self, version: Any) -> None:
        """A definition has the next version; nothing else happens."""
        self.prepared()
        if self.answer.error is None:
            assert version == int(self.before.latest.get(self.step.scope, 0)) + 1

    def check_stage(self, _: Any) -> None:
        """What a version runs is stored; nothing else happens."""
        self.prepared()

    def prepared(self) -> None:
        """Nothing is started, and it is refused for a deleted pipeline only."""
        assert not self.moves, "nothing was to be started"
        gone = self.step.scope in self.before.deleted
        assert isinstance(self.answer.error, PipelineDeletedError) == gone, self.answer
