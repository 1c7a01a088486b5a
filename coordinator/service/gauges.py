"""What the gauges of worker groups and of Redis itself show, read at the scrape.

It costs each shard one call, and those that have an account's polls another; how many groups are
told of is bounded by a setting. Redis is asked for its memory at most once in `VITALS_SECONDS`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from coordinator.errors import CoordinatorError
from coordinator.metrics.largest import OTHER

if TYPE_CHECKING:
    from coordinator.metrics.largest import Name
    from coordinator.service.shards import Shards
    from coordinator.store.scripts import Scripts
    from coordinator.store.tasks import Tasks

ANSWER_WITHIN = 2.0
VITALS_SECONDS = 5.0


@dataclass(slots=True)
class Groups:
    """By account and worker group: ready tasks; ages in seconds of the oldest and the last poll."""

    ready: dict[Name, int] = field(default_factory=dict)
    oldest: dict[Name, float] = field(default_factory=dict)
    polled: dict[Name, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vitals:
    """Of Redis, where it lets us know: bytes used, and at most (0: any), and whether it logs."""

    used: int
    limit: int
    append_only: bool


class Gauges:
    """Reads them. `most` groups are named; the ready tasks of the rest are added up."""

    def __init__(self, scripts: Scripts, tasks: Tasks, shards: Shards, most: int) -> None:
        self._scripts = scripts
        self._tasks = tasks
        self._shards = shards
        self._most = most
        self._vitals: Vitals | None = None
        self._asked_at = -VITALS_SECONDS

    async def groups(self, account: str = "") -> Groups | None:
        """Return what groups have ready, of an account or of all; None while Redis is away.

        Of a group that is not among the largest of some shard, what it has there is in the rest.
        """
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await self._groups(account)
        except (CoordinatorError, TimeoutError):
            return None

    async def vitals(self) -> Vitals | None:
        """Return what Redis says of itself, at most so old; None where it does not."""
        if monotonic() >= self._asked_at + VITALS_SECONDS:
            self._asked_at = monotonic()
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    self._vitals = await self._ask()
            except (CoordinatorError, TimeoutError):
                self._vitals = None
        return self._vitals

    async def _groups(self, account: str) -> Groups:
        found, rest = Groups(), 0
        asked = (self._tasks.backlogs(s, account, self._most) for s in self._shards.all())
        for now_ms, left_out, largest, polled in await asyncio.gather(*asked):
            rest += left_out
            for text, ready, since_ms in largest:
                name = _name(text)
                found.ready[name] = found.ready.get(name, 0) + ready
                age = max(now_ms - since_ms, 0) / 1000
                found.oldest[name] = max(found.oldest.get(name, 0.0), age)
            found.polled |= {_name(text): max(now_ms - ms, 0) / 1000 for text, ms in polled}
        await self._add_polls(found)
        return _largest(found, rest, self._most)

    async def _add_polls(self, found: Groups) -> None:
        """Look up when those with ready tasks were polled that are not among the last."""
        missing: dict[str, list[str]] = {}
        for account, group in found.ready.keys() - found.polled.keys():
            missing.setdefault(account, []).append(group)
        for account, groups in missing.items():
            shard = self._shards.home_of(account)
            now_ms, rows = await self._tasks.polled(shard, account, groups, 1)
            for row in rows[: len(groups)]:
                if row.polled_ms:
                    found.polled[account, row.group] = max(now_ms - row.polled_ms, 0) / 1000

    async def _ask(self) -> Vitals | None:
        router = self._scripts.router
        clients = [*router.clients]
        texts = await asyncio.gather(
            *(client.execute("INFO", "memory", "persistence") for client in clients)
        )
        nodes = [dict(_pairs(text)) for text in texts]
        if not nodes:
            return None
        worst = max(nodes, key=_pressure)
        return Vitals(
            used=int(worst.get("used_memory", 0)),
            limit=int(worst.get("maxmemory", 0)),
            append_only=all(node.get("aof_enabled") == "1" for node in nodes),
        )


def _largest(found: Groups, rest: int, most: int) -> Groups:
    """Keep the groups with the most ready tasks, then those that were polled last."""
    names = sorted(found.ready, key=lambda name: (-found.ready[name], name))
    names += sorted(found.polled.keys() - found.ready.keys(), key=found.polled.__getitem__)
    kept = dict.fromkeys(names[:most])
    rest += sum(count for name, count in found.ready.items() if name not in kept)
    return Groups(
        ready={name: found.ready[name] for name in kept if name in found.ready} | {OTHER: rest},
        oldest={name: found.oldest[name] for name in kept if name in found.oldest},
        polled={name: found.polled[name] for name in kept if name in found.polled},
    )


def _name(text: bytes) -> Name:
    account, _, group = text.decode().partition(":")
    return account, group


def _pairs(text: bytes) -> list[tuple[str, str]]:
    rows = (line.partition(":") for line in text.decode().splitlines() if ":" in line)
    return [(name, value) for name, _, value in rows]


def _pressure(node: dict[str, str]) -> tuple[float, int]:
    used, limit = int(node.get("used_memory", 0)), int(node.get("maxmemory", 0))
    return (used / limit if limit else 0.0, used)
