"""Random runs of pipelines with schedules, by Hypothesis, which makes a failing run short.

Two schedules of different length and style that need each other's intervals, preconditions,
cascades, late objects; activations and deactivations of each kind at any moment, results, losses,
outages. After each step the data set is sound, and in the end each interval was there once.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from faketime import FROM_MS, SteppedServer
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from machines import run_machine, stepped_stores
from schedule_world import COUNTS, LONG, SCOPE, SHORT, World, shapes
from schedules import MINUTE, intervals
from search_states import check_data
from search_store import Store, later, plain

from coordinator.errors import CoordinatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS, STEPS = int(os.environ.get("RUNS", "80")), 40
MOST_WAITS = 400
SETTINGS = {"outage_threshold": 20.0, "outage_grace": 5.0, "max_lost_leases": 1000}
LENGTHS = {SHORT: MINUTE, LONG: 2 * MINUTE}
STATUS = ("cancel_instances", "finish_instances", "rerun_instances")


class Machine(RuleBasedStateMachine):
    """One pipeline, its operator and its runners, one step at a time."""

    server: SteppedServer
    stores: dict[bool, Store]

    @initialize(small=st.booleans(), parts=shapes(), window=st.integers(1, 3))
    def begin(self, small: bool, parts: list[Any], window: int) -> None:
        """Begin with a pipeline; with `small` two of anything need a cursor."""
        self.store = self.stores[small]
        self.server.set_time(FROM_MS)
        self.store.load(())
        self.world = World(self.store, parts, window)
        self.world.run_due()
        self.world.activate()

    @invariant()
    def nothing_is_broken(self) -> None:
        """Every invariant of the data set holds, and no schedule has more runs than it may."""
        if not hasattr(self, "world"):
            return
        check_data(self.store.save(), self.server.now_ms)
        for name in (SHORT, LONG):
            live = self.value("live", name) or {}
            assert len(live) <= self.world.window, f"{name} has {len(live)} runs"

    def value(self, kind: str, *parts: str) -> Any:
        """The value of one of the pipeline's keys, or None."""
        wanted = ":".join(["coord:1:{0}", kind, SCOPE, *parts])
        return next((plain(key) for key in self.store.save() if key.name == wanted), None)

    @rule(after=st.sampled_from([None, None, 0, 1, 150_000, 400_000]))
    def activate(self, after: int | None) -> None:
        """Activate the pipeline, perhaps from another time on."""
        self.world.activate(None if after is None else FROM_MS + after)

    @rule(cancel=st.booleans())
    def deactivate(self, cancel: bool) -> None:
        """Deactivate it."""
        self.world.deactivate(cancel=cancel)

    @rule(script=st.sampled_from(STATUS), which=st.integers(0, 40))
    def set_status(self, script: str, which: int) -> None:
        """Cancel an instance, mark it finished, or run it again."""
        if ids := sorted(self.value("ids") or {}):
            self.world.set_status(script, ids[which % len(ids)])

    @rule(script=st.sampled_from(["pause_components", "resume_components"]))
    def pause(self, script: str) -> None:
        """Pause the first component, or resume it."""
        self.world.set_status(script, "Part0")

    @rule(status=st.sampled_from(["FINISHED", "FINISHED", "FAILED", "FALSE", "", "report"]))
    def work(self, status: str) -> None:
        """A runner takes a task and gives a result, reports, or falls silent."""
        task = self.world.poll()
        with suppress(CoordinatorError):  # FALSE of an activity
            if task and status == "report":
                self.world.report(task)
            elif task and status:
                self.world.finish(task, status)

    @precondition(lambda self: self.world.tasks)
    @rule(
        status=st.sampled_from(["FINISHED", "FAILED", "FALSE", "report"]), which=st.integers(0, 9)
    )
    def work_late(self, status: str, which: int) -> None:
        """The holder of a task, or who has been it, gives a result or reports."""
        task = self.world.tasks[-1 - which % len(self.world.tasks)]
        with suppress(CoordinatorError):
            self.world.report(task) if status == "report" else self.world.finish(task, status)

    @rule(limit=st.sampled_from([1, 2, 100]))
    def run_due(self, limit: int) -> None:
        """A replica runs due work."""
        self.world.run_due(limit)

    @rule(late_by=st.sampled_from([1, 1, 1, 500, 70_000]))
    def wait(self, late_by: int) -> None:
        """Time passes, to the next timer or beyond it."""
        if coming := self.coming():
            self.pass_to(min(coming) + late_by)

    def coming(self) -> list[int]:
        """When timers are due that are not yet."""
        found = [plain(key) for key in self.store.save() if key.name.endswith(":timers")]
        return [at for timers in found for at in timers.values() if at >= self.server.now_ms]

    def pass_to(self, now_ms: int) -> None:
        """Let time pass."""
        data = self.store.save()
        self.server.set_time(now_ms)
        self.store.load(later(data, now_ms))

    def teardown(self) -> None:
        """Let it run: all ends, and each interval was there once."""
        if not hasattr(self, "world"):
            return
        self.world.set_status("resume_components", "Part0")
        self.world.activate()
        for _ in range(MOST_WAITS):
            self.drain()
            if not (coming := self.coming()):
                break
            self.pass_to(min(coming) + 1)
        self.nothing_is_broken()
        self.check_intervals()

    def drain(self) -> None:
        """Run what is due, and finish whatever can be had."""
        while self.world.run_due():
            pass
        while (task := self.world.poll()) is not None:
            self.world.finish(task, "FINISHED")
            while self.world.run_due():
                pass

    def check_intervals(self) -> None:
        """Assert that each component had each interval once, which has ended or is stuck."""
        ids = self.value("ids")
        for part in self.world.parts:
            name = part.schedule
            # Of those that are left out only the last become instances.
            wanted = range(int(self.value("schedule", name).get("skip_to", 0)), COUNTS[name])
            names = intervals(part.id, FROM_MS, *wanted, seconds=LENGTHS[name])
            assert set(names) <= ids.keys(), f"{part.id} lacks intervals"
            mine = [one for one in ids if one.startswith(f"@{part.id}_")]
            assert len(mine) <= COUNTS[name]
        for n in ids.values():
            record = self.value("instance", n)
            assert record["state"] == "terminal" or "stuck" in record, record
        assert self.value("live", SHORT) is self.value("live", LONG) is None
        assert self.value("interrupted") is None


@pytest.fixture
def stores() -> Iterator[dict[bool, Store]]:
    """The real scripts, and those with batch sizes of one, on one stepped server."""
    with stepped_stores(**SETTINGS) as made:
        yield made


@pytest.mark.timeout(600)
def test_random_runs_lose_no_interval(stores: dict[bool, Store]) -> None:
    """Whatever comes between, the invariants hold, all ends, and no interval is lost or doubled."""
    run_machine(Machine, stores, RUNS, STEPS)
