"""Whether this replica can work, and the counts that gauges show."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from coordinator.errors import UnavailableError
from coordinator.store.timers import Counts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from coordinator.service.shards import Shards
    from coordinator.store.batch import Counters
    from coordinator.store.scripts import Scripts
    from coordinator.store.timers import Timers

ANSWER_WITHIN = 2.0


class Health:
    """Asks Redis, with a deadline.

    `unfit` says, in sentences, how Redis is set up in a way that would lose leases; empty if it is
    not, or nobody has looked. `stopping` is set when the replica has been told to stop.
    """

    def __init__(self, scripts: Scripts, timers: Timers, shards: Shards) -> None:
        self._scripts = scripts
        self._timers = timers
        self._shards = shards
        self.unfit = ""
        self.stopping = False

    async def check(self) -> None:
        """Make sure that every primary answers, is fit, and runs the scripts in every shard.

        Raises:
            CoordinatorError: they do not, or this replica stops; the message says what is wrong.
        """
        if self.stopping:
            raise UnavailableError("This replica is stopping.")
        async with self._deadline():
            await self._scripts.router.ping()
            if self.unfit:
                raise UnavailableError(self.unfit)
            await self._counts()

    async def counts(self) -> Counts:
        """Count the instances of all shards by state.

        Raises:
            CoordinatorError: Redis cannot answer now.
        """
        async with self._deadline():
            return await self._counts()

    async def _counts(self) -> Counts:
        rows = await asyncio.gather(*map(self._timers.counts, self._shards.all()))
        total = Counts(*map(sum, zip(*rows, strict=True)))
        return total._replace(lag_ms=max(row.lag_ms for row in rows))

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                yield
        except TimeoutError:
            trouble = self._scripts.router.last_error or "Redis does not answer."
            raise UnavailableError(trouble) from None

    @property
    def connections(self) -> Counters:
        """What the connections of this replica have done."""
        return self._scripts.router.counters

    def script_use(self) -> dict[str, tuple[int, float]]:
        """How often this replica called each script, and the seconds that took, added up."""
        return self._scripts.use()
