"""Runners inside the test's process that go on through faults, and note what they are told."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Protocol, Self

from waiting import eventually, pass_time

from coordinator.errors import (
    CoordinatorError,
    LeaseLostError,
    PipelineNotFoundError,
    TaskNotFoundError,
    UnavailableError,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from coordinator.store.tasks import Claimed

    Poll = Callable[[], Awaitable[Claimed | None]]

RUNNERS = 8
PAUSE = 0.02  # of a runner between two tasks
PATIENCE = 90  # seconds
ACCEPTED = {"acknowledged", "accepted"}
Where = tuple[str, int]  # pipeline and number of an instance


class Store(Protocol):
    """What runners need of a `Bench` or a `Fleet`."""

    async def report(self, task: Claimed) -> str:
        """Report progress."""

    async def finish(self, task: Claimed) -> str:
        """Finish a task."""


class Load:
    """Runners that finish what they are given, and one that lets its leases lapse.

    `finished` are the instances whose finish was answered, `superseded` the tasks of which was
    told that the lease is lost, `told` counts calls: refused (they had no effect), unknown, late
    (the lease was lost), gone (the hand-out is not known), and twice: finishes of an instance that
    was finished before.

    Args:
        store: for reports and results.
        poll: asks for a task.
        drop: asks for a task of the one that falls silent.
        silence: seconds for which it does.
    """

    def __init__(self, store: Store, poll: Poll, drop: Poll, silence: float) -> None:
        self.finished: set[Where] = set()
        self.superseded: list[Claimed] = []
        self.told: Counter[str] = Counter()
        self._store, self._poll, self._drop, self._silence = store, poll, drop, silence
        self._tokens: dict[Where, list[tuple[int, float]]] = defaultdict(list)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Begin."""
        loops = [*(self._work() for _ in range(RUNNERS)), self._fall_silent()]
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop in the middle of things; whatever a runner did not expect is raised here."""
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise ended

    async def finishes(self, more: int) -> None:
        """Wait until so many more finishes are answered."""
        goal = len(self.finished) + more
        await eventually(lambda: len(self.finished) >= goal or self._ended(), PATIENCE)
        assert not self._ended(), "a runner has ended"

    async def revived(self) -> int:
        """Return how many of the handles that were told to be superseded are accepted now."""
        count = 0
        for task in self.superseded:
            with suppress(TaskNotFoundError, PipelineNotFoundError):
                count += await self._store.report(task) in ACCEPTED
        return count

    def _ended(self) -> bool:
        return any(task.done() for task in self._tasks)

    async def _work(self) -> None:
        while True:
            with self._counted():
                task = await self._claim(self._poll)
                if task:
                    self._note(task, await self._store.finish(task))
            await pass_time(PAUSE)

    async def _fall_silent(self) -> None:
        while True:
            with self._counted():
                task = await self._claim(self._drop)
                if task:
                    await pass_time(self._silence)
                    if await self._store.report(task) == "superseded":
                        self.superseded.append(task)
                    else:  # an outage has given it a grace
                        self._note(task, await self._store.finish(task))
            await pass_time(PAUSE)

    def _note(self, task: Claimed, answer: str) -> None:
        where = task.pipeline_id, task.n
        self.told["twice"] += answer == "finished" and where in self.finished
        if answer in {"finished", "repeat"}:
            self.finished.add(where)

    async def _claim(self, poll: Poll) -> Claimed | None:
        asked = monotonic()
        task = await poll()
        if task:
            told = self._tokens[task.pipeline_id, task.n]
            assert all(int(task.token) > token for token, at in told if at < asked), "an old token"
            told.append((int(task.token), monotonic()))
        return task

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except UnknownOutcomeError:
            self.told["unknown"] += 1
        except UnavailableError:
            self.told["refused"] += 1
        except LeaseLostError:
            self.told["late"] += 1
        except (TaskNotFoundError, PipelineNotFoundError):
            self.told["gone"] += 1


async def keep(work: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again, whatever is refused, until canceled."""
    while True:
        with suppress(CoordinatorError):
            await work()
        await pass_time(PAUSE)
