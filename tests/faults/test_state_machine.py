"""Long random runs of the steps of the search, by Hypothesis, which makes a failing run short.

Several pipelines of random shape, two worker groups, polls whose answers are lost, repeats, any
handle there ever was, cascades, reruns, marks, pauses, deactivation, due work a little or a lot,
outages, and in the end all must end. The runs are the same each time; SEED=… makes others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from faketime import FROM_MS, SteppedServer
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from machines import run_machine, stepped_stores
from search_graphs import GROUPS, PARTS, STATUS, graphs
from search_learn import learn, superseded
from search_parts import Clients, Config, Step, start
from search_rules import Rules
from search_states import State, check_data, check_ends, make_pipeline
from search_steps import late_step, name
from search_store import Store, later
from search_view import view
from seeds import ACCOUNT

from coordinator.errors import PollSupersededError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from search_store import Data

RUNS, STEPS = 120, 40
MOST_PIPELINES = 4
CONFIG = Config("random", 0, 0, threshold_ms=20_000, extra=frozenset({"repeats"}))


class Machine(RuleBasedStateMachine):
    """Pipelines, runners and replicas, one step at a time."""

    server: SteppedServer
    stores: dict[bool, Store]
    pipelines = Bundle("pipelines")
    handles = Bundle("handles")
    polls = Bundle("polls")  # calls whose answer was lost

    def __init__(self) -> None:
        super().__init__()
        self.clients = Clients(last_run_ms=FROM_MS)
        self.made: list[str] = []
        self.data: Data = ()

    @initialize(small=st.booleans())
    def begin(self, small: bool) -> None:
        """Begin without data; with `small` two of anything need a cursor."""
        self.store = self.stores[small]
        self.server.set_time(FROM_MS)
        self.store.load(())
        self.store.ask(self.store.timers.run_due(0))
        self.data = self.store.save()

    @invariant()
    def nothing_is_broken(self) -> None:
        """Every invariant of the data set holds."""
        if self.data:
            check_data(self.data, self.server.now_ms)

    # Steps of the operator

    @precondition(lambda self: len(self.made) < MOST_PIPELINES)
    @rule(target=pipelines, parts=graphs())
    def create(self, parts: list[Any]) -> str:
        """Create a pipeline and start it."""
        pipeline = f"df-AAAA{'ABCDEF'[len(self.made)] * 16}"
        make_pipeline(self.store, pipeline, parts)
        self.made.append(pipeline)
        self.data = self.store.save()
        self.activate(pipeline)
        return pipeline

    @rule(pipeline=pipelines)
    def activate(self, pipeline: str) -> None:
        """Start a pipeline, perhaps once more."""
        self.ask("activate", pipeline)

    @rule(kind=st.sampled_from(["deactivate", "hold"]), pipeline=pipelines)
    def deactivate(self, kind: str, pipeline: str) -> None:
        """Deactivate a pipeline: cancel what has not ended, or hold it."""
        self.ask(kind, pipeline)

    @rule(kind=st.sampled_from(["pause", "resume"]), pipeline=pipelines, parts=PARTS)
    def pause(self, kind: str, pipeline: str, parts: list[str]) -> None:
        """Pause components, or resume them."""
        self.ask(kind, pipeline, *parts)

    @rule(kind=STATUS, pipeline=pipelines, data=st.data())
    def set_status(self, kind: str, pipeline: str, data: Any) -> None:
        """Cancel instances, mark them finished, or run them again."""
        instances = view(self.data).instances
        ids = sorted(r["id"] for (scope, _), r in instances.items() if scope.endswith(pipeline))
        if ids:
            wanted = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True))
            wanted = wanted[: 1 if self.store is self.stores[True] else 3]
            self.ask(kind, pipeline, *wanted)

    @rule(pipeline=consumes(pipelines))
    @precondition(lambda self: len(self.made) > 1)
    def delete(self, pipeline: str) -> None:
        """Delete a pipeline."""
        self.ask("delete", pipeline)

    @precondition(lambda self: self.clients.asked)
    @rule(which=st.integers(0, 1))
    def ask_again(self, which: int) -> None:
        """Send a call of the operator again, whose answer was lost."""
        asked = self.clients.asked[-1 - min(which, len(self.clients.asked) - 1)]
        again = {"ids": asked.ids, "answer": asked.answer, "pipeline": asked.pipeline}
        self.step(Step(asked.kind, f"{asked.kind} again", **again, repeat=True))

    # Steps of polls

    @rule(target=handles, group=GROUPS)
    def poll(self, group: str) -> Any:
        """A runner polls, and hears the answer."""
        return self.told(Step("claim", "poll", call=self.new_call(), group=group))

    @rule(target=polls, group=GROUPS)
    def poll_unheard(self, group: str) -> str:
        """A runner polls, and its answer is lost."""
        call = self.new_call()
        self.step(Step("claim", "poll, answer lost", call=call, group=group, heard=False))
        return call

    @rule(target=polls, group=GROUPS)
    def poll_slow(self, group: str) -> str:
        """A runner polls a replica that is slow, and gives up waiting for it."""
        call = self.new_call()
        self.step(Step("send", "poll a slow replica", call=call, group=group))
        return call

    @rule(target=handles, call=polls, heard=st.booleans())
    def repeat(self, call: str, heard: bool) -> Any:
        """The runner of a lost answer goes one step on: its next try begins, or claims."""
        one = self.clients.opened(call)
        if one is None:
            return multiple()
        again = {"call": call, "group": one.group, "heard": heard}
        if one.barred:
            return self.told(Step("claim", "again", tries=one.tries, **again, repeat=True))
        kind = "bar" if heard else "send"
        self.step(Step(kind, kind, tries=one.tries + 1, **again, repeat=True))
        return multiple()

    @precondition(lambda self: self.clients.late)
    @rule(which=st.integers(0, 3))
    def late(self, which: int) -> None:
        """A slow replica goes on: its try claims, or gives back what it got."""
        late = self.clients.late[which % len(self.clients.late)]
        self.step(late_step(late, self.clients, ""))

    # Steps of holders

    @rule(handle=handles, value=st.sampled_from(["", '"1"', '"2"']))
    def report(self, handle: str, value: str) -> None:
        """A runner reports, whether or not it still holds its task."""
        claim = self.clients.claimed(handle)
        self.step(Step("report", f"report {name(claim)}", claim, fields=("a", value) * bool(value)))

    @rule(handle=handles, status=st.sampled_from(["FINISHED", "FAILED"]))
    def finish(self, handle: str, status: str) -> None:
        """A runner gives a result, whether or not it still holds its task."""
        claim = self.clients.claimed(handle)
        self.step(Step("finish", f"finish {name(claim)}", claim, status=status))

    # Steps of time

    @rule(limit=st.sampled_from([1, 2, 100]))
    def run_due(self, limit: int) -> None:
        """A replica runs due work."""
        self.step(Step("run due", f"run {limit} due", limit=limit))

    @rule(late_by=st.sampled_from([0, 1, 1, 500]))
    def wait(self, late_by: int) -> None:
        """Time passes, to the next deadline or beyond it."""
        if coming := [at for at in view(self.data).timers.values() if at > self.server.now_ms]:
            self.pass_to(min(coming) + late_by)

    @rule()
    def outage(self) -> None:
        """No replica runs due work for a while."""
        self.pass_to(self.server.now_ms + CONFIG.threshold_ms + 1)

    # How steps are made

    def ask(self, kind: str, pipeline: str, *ids: str) -> None:
        """Make a call of the operator, with an id of its own."""
        answer = f"op-{self.clients.calls}"
        self.step(Step(kind, f"{kind} {pipeline}", pipeline=pipeline, ids=ids, answer=answer))

    def new_call(self) -> str:
        """Return the id of a new poll."""
        return f"call-{self.clients.calls}"

    def told(self, step: Step) -> Any:
        """Make a poll whose answer is heard or not, and return the claim that was told."""
        task = self.step(step)
        return task.claim if task and step.heard else multiple()

    def pass_to(self, now_ms: int) -> None:
        """Let time pass; as in the search a key is gone at its last millisecond."""
        self.server.set_time(now_ms)
        self.data = later(self.data, now_ms)
        self.store.load(self.data)

    def step(self, step: Step) -> Any:
        """Make a step, check it, and learn from it; return what it answered."""
        now_ms, before = self.server.now_ms, view(self.data)
        if step.kind == "claim":
            step = step.claiming(f"{len(self.clients.claims) + 1:032x}")
        if step.kind == "send":
            self.clients = learn(self.clients, step, None, before, before, now_ms, CONFIG)
            return None
        answer = self.store.make(start(self.store, step, CONFIG))
        after = view(answer.data)
        state = State(self.data, self.clients, now_ms, None)
        Rules(CONFIG, state, step, before, after, answer).check()
        self.data = answer.data
        if isinstance(answer.error, PollSupersededError):
            self.clients = superseded(self.clients, step)
        elif answer.error is None:
            known = (self.clients, step, answer.value, before, after, now_ms, CONFIG)
            self.clients = learn(*known)
        return answer.value

    def let_go(self, pipeline: str) -> None:
        """Let a pipeline run that is held or paused."""
        scope, seen = f"{ACCOUNT}:{pipeline}", view(self.data)
        self.ask("resume", pipeline, *sorted(seen.paused.get(scope, ("Part0",))))
        if "held" in seen.pipelines[scope]:
            self.activate(pipeline)

    def teardown(self) -> None:
        """Bring all to its end; then delete all, and nothing is left that counts."""
        if not self.data:
            return
        living = [one for one in self.made if f"{ACCOUNT}:{one}" not in view(self.data).deleted]
        for pipeline in living:
            self.let_go(pipeline)
        check_ends(self.store, State(self.data, self.clients, self.server.now_ms, None), CONFIG)
        for pipeline in living:
            self.store.ask(self.store.pipelines.delete(ACCOUNT, pipeline, ""))
        while self.store.ask(self.store.timers.run_due(0)).more:
            pass
        check_data(self.store.save(), self.server.now_ms)
        assert sum(self.store.ask(self.store.timers.counts(0))) == 0


@pytest.fixture
def stores() -> Iterator[dict[bool, Store]]:
    """The real scripts, and those with batch sizes of one, on one stepped server."""
    with stepped_stores(**CONFIG.settings()) as made:
        yield made


@pytest.mark.timeout(600)
def test_random_runs_break_no_promise(stores: dict[bool, Store]) -> None:
    """In long random runs every rule and invariant holds after each step, and all can end."""
    run_machine(Machine, stores, RUNS, STEPS)
