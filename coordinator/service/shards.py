"""How many shards there are, and which one a pipeline belongs to.

The number is recorded in Redis (shard 0) as the list of all counts it ever had, and only grows:
pipelines stay where they were made, so that a repeated CreatePipeline looks under earlier counts.
"""

from __future__ import annotations

import random
from hashlib import sha256
from typing import TYPE_CHECKING

from coordinator.errors import UnavailableError

if TYPE_CHECKING:
    from coordinator.store.layout import Layout


class Shards:
    """The shards as this replica knows them; `refresh` asks Redis."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._counts: list[int] = []
        self._order: list[int] = []
        self._turn = 0

    async def refresh(self) -> None:
        """Read the recorded counts."""
        self._counts = await self._layout.shard_counts()

    @property
    def count(self) -> int:
        """How many shards there are now.

        Raises:
            UnavailableError: Redis has not been asked yet.
        """
        return self._known()[-1]

    def all(self) -> range:
        """Every shard."""
        return range(self.count)

    def in_turn(self) -> list[int]:
        """Every shard, another one first at each call, and each time round in a new order.

        In the same order every time, a shard behind empty ones would have their turns too.
        """
        count = self.count
        self._turn += 1
        if self._turn >= len(self._order) or len(self._order) != count:
            self._order, self._turn = random.sample(range(count), count), 0
        return self._order[self._turn :] + self._order[: self._turn]

    def for_new(self, digest: str) -> list[int]:
        """Return where a pipeline with this digest may be: the shard for a new one comes last."""
        number = int(digest[:16], 16)
        return list(dict.fromkeys(number % count for count in self._known()))

    def home_of(self, name: str) -> int:
        """Return the shard of what belongs to no pipeline: of a task runner, of an account."""
        return int(sha256(name.encode(errors="surrogatepass")).hexdigest()[:8], 16) % self.count

    def _known(self) -> list[int]:
        if not self._counts:
            raise UnavailableError("Redis has not been reached since the start; repeat the call.")
        return self._counts
