"""Random walks: whatever is called in whatever order, every invariant holds after each step."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from seeds import ACCOUNT, Bench, component

from coordinator.errors import CoordinatorError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Server

    from coordinator.domain.components import Component
    from coordinator.store.routing import Router
    from coordinator.store.tasks import Claimed

STEPS = 120
ENDED = {"superseded", "canceled", "deleted", "repeat"}


class Walk:
    """A random sequence of calls on a few pipelines."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.random = random.Random(seed)  # noqa: S311 - not a secret
        self.pipelines: list[str] = []
        self.held: list[Claimed] = []
        self.ended: set[str] = set()

    async def step(self) -> str:
        """Make one call; a refusal is as good as a success."""
        calls = [self.claim] * 5 + [self.report] * 4 + [self.finish] * 5 + [self.due] * 4
        calls += [self.start, self.cancel, self.rerun, self.rerun, self.give_back, self.grow_old]
        if len(self.pipelines) > 3:
            calls.append(self.delete)
        call = self.random.choice(calls)
        with suppress(CoordinatorError):
            try:
                await call()
            except UnavailableError as error:
                raise AssertionError(call.__name__) from error
        return call.__name__

    async def start(self) -> None:
        """Start a pipeline, or start one again."""
        if self.pipelines and self.random.random() < 0.3:
            pipeline = self.random.choice(self.pipelines)
            await self.bench.pipelines.activate(ACCOUNT, pipeline, "1", "")
        elif len(self.pipelines) < 6:
            self.pipelines.append(await self.bench.start(self._graph()))

    def _graph(self) -> list[Component]:
        size = self.random.choice([1, 2, 5, 8])
        parts = [self._part(i, size) for i in range(size)]
        if self.random.random() < 0.1:
            parts += [component(f"Leaf{i}", needs=[0]) for i in range(420)]
        return parts

    def _part(self, i: int, size: int) -> Component:
        needs = [j for j in range(size) if j > i and self.random.random() < 0.3]
        return component(
            f"Part{i}",
            needs=needs,
            group=self.random.choice("gh"),
            maximum_retries=self.random.choice([0, 1, 50]),
            retry_delay_ms=self.random.choice([0, 0, 1, 600_000]),
            attempt_timeout_ms=self.random.choice([0, 0, 1, 600_000]),
        )

    async def claim(self) -> None:
        """Claim with a short or a long deadline; sometimes as a repeat."""
        ack_ms = self.random.choice([1, 600_000])
        name = f"call{self.random.randrange(8)}" if self.random.random() < 0.4 else ""
        call = self.bench.call(self.random.choice("gh"), name, self.random.choice([1, 1, 2]))
        if call.attempt > 1:
            await self.bench.tasks.bar(0, call, 1000)
        task = await self.bench.poll(call=call, ack_ms=ack_ms)
        if task is not None:
            assert task.claim not in self.ended, "a handle that had ended was handed out"
            self.held.append(task)

    async def report(self) -> None:
        """Report for any handle there ever was; one that had ended stays so."""
        task = self._any_task()
        fields: list[Any] = ["a", str(self.random.randrange(3))] * self.random.randrange(2)
        verdict = await self.bench.report(
            task, *fields, timeout_ms=self.random.choice([1, 600_000])
        )
        assert not (task.claim in self.ended and verdict not in ENDED), verdict
        if verdict in ENDED:
            self.ended.add(task.claim)

    async def finish(self) -> None:
        """Give a result for any handle there ever was."""
        task = self._any_task()
        outcome = await self.bench.finish(task, self.random.choice(["FINISHED", "FAILED"]))
        assert not (task.claim in self.ended and outcome not in {"repeat", "canceled"}), outcome
        self.ended.add(task.claim)

    async def due(self) -> None:
        """Run due work, a lot or a little."""
        await self.bench.due(self.random.choice([1, 3, 100]), max_lost_leases=3)

    async def cancel(self) -> None:
        """Cancel some instances."""
        await self.bench.cancel(*await self._some())

    async def rerun(self) -> None:
        """Run some instances again."""
        await self.bench.rerun(*await self._some())

    async def give_back(self) -> None:
        """Give a task back."""
        await self.bench.tasks.give_back(self.bench.call(), self._any_task(), 0)

    async def grow_old(self) -> None:
        """Let an outage end."""
        now = (await self.bench.due(1)).now_ms
        meta = "coord:1:{0}:meta"
        await self.bench.router.execute(meta, "HSET", meta, "last_run_ms", now - 60_000)
        await self.bench.due(outage_grace=0.001)

    async def delete(self) -> None:
        """Delete a pipeline."""
        await self.bench.delete(self.pipelines.pop(self.random.randrange(len(self.pipelines))))

    def _any_task(self) -> Claimed:
        if not self.held:
            raise CoordinatorError("no task yet")
        return self.random.choice(self.held[-8:] + self.held[:2])

    async def _some(self) -> list[str]:
        if not self.pipelines:
            raise CoordinatorError("no pipeline yet")
        pipeline = self.random.choice(self.pipelines)
        ids = await self.bench.ids(pipeline)
        return [pipeline, *self.random.sample(ids, self.random.randint(1, min(len(ids), 6)))]


@pytest.mark.parametrize("seed", range(4))
async def test_random_walk(seed: int, valkey: Server, new_router: Callable[..., Router]) -> None:
    """After every step of a random walk each instance is in one place, and all can be finished."""
    bench = Bench(valkey, new_router(valkey.url))
    walk, trail = Walk(bench, seed), []
    for _ in range(STEPS):
        trail.append(await walk.step())
        try:
            bench.check()
        except AssertionError as error:
            error.add_note(f"seed {seed}, step {len(trail)}: {' '.join(trail[-12:])}")
            raise
    for pipeline in walk.pipelines:
        await bench.delete(pipeline)
    await bench.settle()
    assert sum((await bench.timers().counts(0))[:5]) == 0
    bench.check()
