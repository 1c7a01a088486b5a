"""Single facts about a pipeline, read where no more of it is wanted. One script call each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.domain.ids import shard_of
from coordinator.store.instances import Health, Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.store.scripts import Scripts

SCHEDULES_A_CALL = 200


class Facts:
    """What is paused, ill, known, staged, or how far; nothing of a pipeline that is gone."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def paused(self, account: str, pipeline_id: str) -> set[str]:
        """Return the components of a pipeline that are paused."""
        return {name.decode() for name in await self._fields(account, pipeline_id, "paused")}

    async def health(
        self, account: str, pipeline_id: str, components: Sequence[str]
    ) -> list[Health | None]:
        """Return how the last instance of each component ended; None: none has."""
        found = await self._fields(account, pipeline_id, "health", *components)
        return [Health(*row.decode().split(" ", 2)) if row else None for row in found]

    async def schedules(
        self, account: str, pipeline_id: str, names: Sequence[str]
    ) -> list[Progress]:
        """Return how far each schedule is."""
        shard, scope = shard_of(pipeline_id), f"{account}:{pipeline_id}"
        found: list[Progress] = []
        for first in range(0, len(names), SCHEDULES_A_CALL):
            some = names[first : first + SCHEDULES_A_CALL]
            rows = await self._scripts.read("read_schedules", shard, *some, scope=scope)
            found += [Progress(row[0].decode(), row[1].decode(), row[2], row[3]) for row in rows]
        return found

    async def known(self, account: str, pipeline_id: str, ids: Sequence[str]) -> list[bool]:
        """Return of each id whether it is an instance of the pipeline."""
        return list(map(bool, await self._fields(account, pipeline_id, "ids", *ids)))

    async def staged_definition(self, account: str, pipeline_id: str, version: str) -> bytes:
        """Return the definition that an activated version runs; empty: nothing is kept of it."""
        names = ("components", "definition")
        return (await self._fields(account, pipeline_id, *names, version=version))[0]

    async def _fields(
        self, account: str, pipeline_id: str, kind: str, *names: str, version: str = ""
    ) -> list[bytes]:
        found: list[bytes] = await self._scripts.read(
            "read_fields",
            shard_of(pipeline_id),
            *names,
            scope=f"{account}:{pipeline_id}",
            kind=kind,
            version=version,
        )
        return found
