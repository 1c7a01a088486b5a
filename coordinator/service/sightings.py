"""Who polls for which worker group: noted here, and told to Redis about once a second.

It is the answer to why a task waits, and worth no call of its own at each poll.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from coordinator.service.shards import Shards
    from coordinator.store.tasks import PolledGroup, Tasks

MOST_NOTED = 10_000
POLLS_A_CALL = 500
MOST_NEAR = 1000


class Seen(NamedTuple):
    """Who polls a worker group, who polls others, and the time (ms) when that was so."""

    now_ms: int
    group: PolledGroup
    others: list[PolledGroup]


class Sightings:
    """The polls that this replica has seen since it last told."""

    def __init__(self, tasks: Tasks, shards: Shards) -> None:
        self._tasks = tasks
        self._shards = shards
        self._noted: dict[str, dict[tuple[str, str], None]] = {}

    def note(self, account: str, group: str, hostname: str) -> None:
        """Remember a poll; beyond `MOST_NOTED` of an account in a second they are not told."""
        noted = self._noted.setdefault(account, {})
        if len(noted) < MOST_NOTED:
            noted[group, hostname] = None

    async def tell(self) -> None:
        """Tell Redis of the polls that were noted.

        Raises:
            UnavailableError: Redis cannot answer now; those polls are not told.
        """
        noted, self._noted = self._noted, {}
        for account, polls in noted.items():
            shard, rows = self._shards.home_of(account), list(polls)
            for first in range(0, len(rows), POLLS_A_CALL):
                await self._tasks.note_polls(shard, account, rows[first : first + POLLS_A_CALL])

    async def of(self, account: str, group: str) -> Seen:
        """Return who polls a worker group, and the others that were polled last.

        Raises:
            UnavailableError: Redis cannot answer now.
        """
        shard = self._shards.home_of(account)
        now_ms, rows = await self._tasks.polled(shard, account, [group], MOST_NEAR)
        return Seen(now_ms, rows[0], [row for row in rows[1:] if row.group != group])
