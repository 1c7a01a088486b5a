"""How many shards there are: recorded in Redis, in the meta hash of shard 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.ids import MAX_SHARDS
from coordinator.errors import InvalidRequestError
from coordinator.store import keys

if TYPE_CHECKING:
    from coordinator.store.scripts import Scripts


class Layout:
    """Reads and raises the number of shards."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def shard_counts(self) -> list[int]:
        """Return every number of shards there ever was, the present one last."""
        key = keys.key("meta", 0)
        reply: bytes | None = await self._scripts.router.execute(key, "HGET", key, "shards")
        return [int(count) for count in (reply or b"1").split(b",")]

    async def grow(self, count: int) -> list[int]:
        """Raise the number of shards to `count`; new pipelines spread over all of them.

        Raises:
            InvalidRequestError: there are more than `count` now, or `count` is too large.
        """
        if count > MAX_SHARDS:
            raise InvalidRequestError(f"There can be at most {MAX_SHARDS} shards.")
        reply: bytes = await self._scripts.call("grow_shards", 0, count=count)
        return [int(part) for part in reply.split(b",")]
