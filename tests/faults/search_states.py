"""States of the search, how one came from another, and whether all can still end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from faketime import FROM_MS
from invariants import check_invariants
from search_parts import PIPELINE, Clients, Step
from search_store import dump_of, later
from search_view import view
from seeds import ACCOUNT, NO_ERROR, handle_of

from coordinator.domain.ids import new_claim
from coordinator.service.activation import staged as staged_fields
from coordinator.store.pipelines import NewPipeline
from coordinator.store.tasks import PollCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search_parts import Config
    from search_store import Data, Store
    from search_view import View

MOST_WAITS = 100
MOST_CALLS = 200
GROUPS = ("g", "h")
_ends = itertools.count()


class State(NamedTuple):
    """A data set, what the clients know, the time, and the steps that led there."""

    data: Data
    clients: Clients
    now_ms: int
    trail: Trail | None


class Trail(NamedTuple):
    """The last step and its answer, behind those before."""

    before: Trail | None
    step: str
    answer: str

    def lines(self) -> list[str]:
        """Return the steps in order, one a line."""
        lines, trail = [], self
        while trail is not None:
            lines.append(f"{trail.step}: {trail.answer}" if trail.answer else trail.step)
            trail = trail.before
        return [f"{i:3}. {line}" for i, line in enumerate(reversed(lines), 1)]


def first_state(store: Store, config: Config) -> State:
    """Run what is due once, make a pipeline, and start it unless that is what is searched."""
    store.server.set_time(FROM_MS)
    store.load(())
    store.ask(store.timers.run_due(0))
    if "stage" in config.extra:
        create(store, PIPELINE)
    else:
        version = make_pipeline(store, PIPELINE, config.parts)
        store.ask(store.pipelines.activate(ACCOUNT, PIPELINE, version, ""))
    return State(store.save(), Clients(last_run_ms=FROM_MS), FROM_MS, None)


def create(store: Store, pipeline: str) -> None:
    """Create a pipeline of this id."""
    new = NewPipeline(ACCOUNT, f"digest of {pipeline}", pipeline, pipeline, "", b"[]")
    assert store.ask(store.pipelines.create(0, new, pipeline)) == pipeline


def make_pipeline(store: Store, pipeline: str, parts: Sequence[Any]) -> str:
    """Create a pipeline, and stage what it runs; return the version."""
    create(store, pipeline)
    version = store.ask(store.pipelines.put(ACCOUNT, pipeline, b"{}", errored=False))
    staged = staged_fields(list(parts))
    store.ask(store.pipelines.stage(ACCOUNT, pipeline, str(version), staged))
    return str(version)


def wait(state: State, step: Step) -> State:
    """Let time pass, while nobody calls."""
    trail = Trail(state.trail, step.words, "")
    return State(later(state.data, step.to_ms), state.clients, step.to_ms, trail)


def check_data(data: Data, now_ms: int) -> None:
    """Assert the invariants of a data set."""
    check_invariants(dump_of(data), now_ms)


def check_ends(store: Store, state: State, config: Config) -> None:
    """Assert that from here all can end: by time, due work and polls alone, without any message."""
    store.server.set_time(state.now_ms)
    store.load(state.data)
    now_ms = state.now_ms
    for _ in range(MOST_WAITS):
        _work(store)
        seen = view(store.save())
        if all(_may_rest(seen, where) for where in seen.instances):
            return
        coming = [at for at in seen.timers.values() if at >= now_ms]
        assert coming, f"nothing is to come, and all is not done: {_living(seen)}"
        now_ms = min(*coming, now_ms + config.threshold_ms // 2) + 1
        store.server.set_time(now_ms)
    raise AssertionError(f"not done after {MOST_WAITS} waits: {_living(seen)}")


def _work(store: Store) -> None:
    """Run what is due, and finish whatever can be had."""
    for _ in range(MOST_CALLS):
        more = store.ask(store.timers.run_due(0)).more
        given = [group for group in GROUPS if _finish_one(store, group)]
        if not given and not more:
            ready = store.ask(store.tasks.ready_groups(0, [(ACCOUNT, group) for group in GROUPS]))
            assert not any(ready), "the look once a second sees work that no poll gets"
            return
    raise AssertionError("due work does not end")


def _finish_one(store: Store, group: str) -> bool:
    """Poll once, and finish what that gave; false if it was nothing."""
    poll = PollCall(ACCOUNT, group, f"end-{next(_ends)}", 1, "host")
    task = store.ask(store.tasks.claim(0, poll, new_claim(), 600_000))
    if task is None:
        return False
    status = store.ask(store.tasks.finish(ACCOUNT, handle_of(task), "FINISHED", NO_ERROR))
    assert status == "finished", status
    return True


def _may_rest(seen: View, where: tuple[str, str]) -> bool:
    """Say whether an instance is done, or waits for one that ended otherwise than well."""
    record = seen.instances[where]
    if record["state"] == "terminal" or where[0] in seen.deleted:
        return True
    needs = [seen.instances[where[0], need] for need in record["needs"].split()]
    failed = any(need["state"] == "terminal" and need["status"] != "FINISHED" for need in needs)
    blocked = any(need["state"] == "blocked" for need in needs)
    return record["state"] == "blocked" and (failed or blocked)


def _living(seen: View) -> Any:
    return {where: record["state"] for where, record in seen.instances.items()}
