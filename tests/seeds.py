"""Seeding state through the store, and the store's objects on one router."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

from dumps import Dump, dump
from invariants import check_invariants

from coordinator.config import Settings
from coordinator.domain.components import Component
from coordinator.domain.ids import Handle, new_claim, new_pipeline_id, shard_of
from coordinator.service.activation import staged as staged_fields
from coordinator.store.alarms import Alarms, Raised, raised_in
from coordinator.store.layout import Layout
from coordinator.store.pipelines import NewPipeline, Pipelines
from coordinator.store.scripts import Scripts
from coordinator.store.tasks import AGAIN, Again, Claimed, PollCall, Tasks
from coordinator.store.timers import DueRun, Timers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from clusters import Cluster
    from servers import Server

    from coordinator.domain.schedules import Schedule
    from coordinator.store.instances import Search
    from coordinator.store.routing import Router

__all__ = ["ACCOUNT", "Bench", "Dump", "component", "handle_of"]
ACCOUNT = "acct"
LONG_MS = 600_000
NO_ERROR = ("", "", "")
_numbers = itertools.count(1)


def component(
    name: str = "Work",
    group: str = "g",
    needs: Sequence[int] = (),
    *,
    cascade: bool = False,
    **limits: Any,
) -> Any:
    """Make a component without delays and timeouts, but for `limits` (fields of Component)."""
    given = {"maximum_retries": 2, "retry_delay_ms": 0, **limits}
    given = {"attempt_timeout_ms": 0, "progress_timeout_ms": 0, **given}
    given |= {"fields": (), "cascade": cascade}
    return Component(name, name, "ShellCommandActivity", group, tuple(needs), **given)


def components(count: int, **options: Any) -> list[Component]:
    """Make `count` components, Work0 and so on, that wait for nothing."""
    return [component(f"Work{i}", **options) for i in range(count)]


def handle_of(task: Claimed) -> Handle:
    """Return what the handle of a claimed task says."""
    return Handle(shard_of(task.pipeline_id), task.pipeline_id, task.n, task.attempt, task.claim)


class Bench:
    """The store's objects on a server, and short words for what tests do with them."""

    def __init__(self, server: Server | Cluster, router: Router) -> None:
        self.server = server
        self.router = router
        self.scripts = Scripts(router)
        self.tasks = Tasks(self.scripts)
        self.pipelines = Pipelines(self.scripts)
        self.layout = Layout(self.scripts)
        self.alarms = Alarms(self.scripts)
        self._calls: dict[str, PollCall] = {}  # by claim

    def timers(self, **settings: Any) -> Timers:
        """Return the timer half of the store with these settings."""
        return Timers(self.scripts, Settings(**settings))

    async def create(self, name: str = "", shard: int = 0) -> str:
        """Create a pipeline and return its id."""
        name = name or f"pipeline {next(_numbers)}"
        new = NewPipeline(ACCOUNT, f"digest of {name}", name, name, "", b"[]")
        created = await self.pipelines.create(shard, new, new_pipeline_id(shard))
        assert created
        return created

    async def stage(
        self,
        pipeline: str,
        parts: Sequence[Component],
        max_active: int = 0,
        schedules: Sequence[Schedule] = (),
    ) -> str:
        """Put a definition and store what it runs; return the version."""
        version = await self.pipelines.put(ACCOUNT, pipeline, b"{}", errored=False)
        staged = staged_fields(list(parts), max_active=max_active, schedules=schedules)
        await self.pipelines.stage(ACCOUNT, pipeline, str(version), staged)
        return str(version)

    async def start(
        self, parts: Sequence[Component] | int = 1, shard: int = 0, max_active: int = 0
    ) -> str:
        """Create a pipeline and activate it with these components (or so many of group g)."""
        pipeline = await self.create(shard=shard)
        parts = components(parts) if isinstance(parts, int) else parts
        version = await self.stage(pipeline, parts, max_active)
        await self.activate(pipeline, version)
        return pipeline

    async def schedule(
        self, parts: Sequence[Component], *schedules: Schedule, start_ms: int | None = None
    ) -> str:
        """Create a pipeline with schedules, activate it, and make what is due."""
        pipeline = await self.create()
        version = await self.stage(pipeline, parts, 0, schedules)
        await self.activate(pipeline, version, start_ms=start_ms)
        await self.settle()
        return pipeline

    async def activate(
        self, pipeline: str, version: str = "1", answer: str = "", start_ms: int | None = None
    ) -> int | None:
        """Activate a version that is staged; None if nothing was started."""
        return await self.pipelines.activate(ACCOUNT, pipeline, version, answer, start_ms)

    async def deactivate(self, pipeline: str, answer: str = "", *, cancel: bool = True) -> None:
        """Deactivate a pipeline: cancel what has not ended, or keep what waits."""
        await self.pipelines.deactivate(ACCOUNT, pipeline, answer, cancel=cancel)

    def call(self, group: str = "g", name: str = "", attempt: int = 1) -> PollCall:
        """Describe a PollForTask call; without a name it is a new one."""
        return PollCall(ACCOUNT, group, name or f"call-{next(_numbers)}", attempt, "host")

    async def poll(
        self, group: str = "g", shard: int = 0, ack_ms: int = LONG_MS, call: PollCall | None = None
    ) -> Claimed | None:
        """Claim a task, if there is one."""
        call = call or self.call(group)
        task: Claimed | Again | None = AGAIN
        while task == AGAIN:
            task = await self.tasks.claim(shard, call, new_claim(), ack_ms)
        if task is not None:
            self._calls[task.claim] = call
        return task

    async def claim(self, group: str = "g", shard: int = 0, ack_ms: int = LONG_MS) -> Claimed:
        """Claim a task; there must be one."""
        task = await self.poll(group, shard, ack_ms)
        assert task is not None, "nothing was ready"
        return task

    async def give_back(self, task: Claimed, shard: int = 0) -> bool:
        """Put a claimed task back, as the call that claimed it does when its client has left."""
        return await self.tasks.give_back(self._calls[task.claim], task, shard)

    async def report(self, task: Claimed, *fields: str | bytes, timeout_ms: int = LONG_MS) -> str:
        """Report progress of a claimed task; `fields` are key, JSON, …."""
        verdict, _ = await self.tasks.report(ACCOUNT, handle_of(task), timeout_ms, fields)
        return verdict

    async def finish(
        self,
        task: Claimed,
        status: str = "FINISHED",
        errors: tuple[str, str, str] = NO_ERROR,
        max_lost: int = 0,
        pace_ms: int = 0,
    ) -> str:
        """Record a result of a claimed task."""
        return await self.tasks.finish(
            ACCOUNT, handle_of(task), status, errors, max_lost=max_lost, pace_ms=pace_ms
        )

    async def due(self, limit: int = 100, shard: int = 0, **settings: Any) -> DueRun:
        """Apply one batch of due timers."""
        return await self.timers(**settings).run_due(shard, limit)

    async def raised(self, room: int = 100, shard: int = 0, **settings: Any) -> list[Raised]:
        """Apply all due timers as a caller does that can deliver so many alarms; return those."""
        found: list[Raised] = []
        for _ in itertools.count():
            run = await self.timers(**settings).run_due(shard, 100, room - len(found))
            found += raised_in(run.alarms)
            if not run.more:
                return found
        raise AssertionError

    async def steps(self, shard: int = 0) -> AsyncIterator[int]:
        """Apply what is due one timer at a time; after each, all invariants must hold."""
        for step in itertools.count(1):
            more = (await self.due(1, shard)).more
            self.check()
            yield step
            if not more:
                return

    async def settle(self, limit: int = 100, shard: int = 0, **settings: Any) -> int:
        """Apply due timers until none is due; return how many batches that took."""
        for batches in itertools.count(1):
            if not (await self.due(limit, shard, **settings)).more:
                return batches
        raise AssertionError

    async def cancel(self, pipeline: str, *ids: str, answer: str = "") -> int:
        """Cancel instances."""
        return await self.pipelines.set_status("cancel_instances", ACCOUNT, pipeline, ids, answer)

    async def rerun(self, pipeline: str, *ids: str, answer: str = "") -> int:
        """Run instances again."""
        return await self.pipelines.set_status("rerun_instances", ACCOUNT, pipeline, ids, answer)

    async def mark(self, pipeline: str, *ids: str, answer: str = "") -> int:
        """Mark instances finished."""
        return await self.pipelines.set_status("finish_instances", ACCOUNT, pipeline, ids, answer)

    async def pause(self, pipeline: str, *names: str, answer: str = "") -> int:
        """Pause components."""
        return await self.pipelines.set_status("pause_components", ACCOUNT, pipeline, names, answer)

    async def resume(self, pipeline: str, *names: str, answer: str = "") -> int:
        """Resume components."""
        return await self.pipelines.set_status(
            "resume_components", ACCOUNT, pipeline, names, answer
        )

    async def delete(self, pipeline: str, answer: str = "") -> None:
        """Delete a pipeline."""
        await self.pipelines.delete(ACCOUNT, pipeline, answer)

    async def rows(self, pipeline: str) -> dict[str, str]:
        """Return the state of each instance, or its status if it has one, by component."""
        rows = await self.pipelines.page(ACCOUNT, pipeline, "0", 100_000)
        return {row.component: row.status or row.state for row in rows}

    async def states(self, pipeline: str) -> dict[str, str]:
        """Return the state or status of each instance by id."""
        rows = await self.pipelines.page(ACCOUNT, pipeline, "0", 100_000)
        return {row.id: row.status or row.state for row in rows}

    async def tally(self, pipeline: str) -> dict[str, int]:
        """Return how many instances are in each state, or have each status."""
        return dict(Counter((await self.states(pipeline)).values()))

    async def find(self, pipeline: str, search: Search, limit: int = 100) -> list[str]:
        """Return the components of the instances that an index has, by page after page."""
        found, after = [], "0"
        while page := await self.pipelines.find(ACCOUNT, pipeline, search, after, limit):
            found += [row.component for row in page]
            assert page[-1].n != after, "a page goes on where it began"
            after = page[-1].n
        return found

    async def ids(self, pipeline: str) -> list[str]:
        """Return the ids of the instances in the order of their making."""
        return [row.id for row in await self.pipelines.page(ACCOUNT, pipeline, "0", 100_000)]

    def dump(self) -> Dump:
        """Read the whole data set."""
        return dump(self.server)

    def check(self) -> None:
        """Fail if the data set breaks an invariant."""
        found = self.dump()
        with self.server.primaries()[0].client() as client:  # a lease may end while keys are read
            seconds, micros = client.time()
        check_invariants(found, seconds * 1000 + micros // 1000)
