"""The outbox: alarms that were raised and are still to be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.ids import shard_of
from coordinator.store.instances import record_of

if TYPE_CHECKING:
    from coordinator.store.instances import Record
    from coordinator.store.scripts import Scripts


class Raised(NamedTuple):
    """Which alarm: the pipeline that has it, and its number there."""

    account: str
    pipeline_id: str
    seq: str


class StoredAlarm(NamedTuple):
    """An alarm's entry, the name of its pipeline, and what time it is (ms)."""

    record: Record
    pipeline_name: str
    now_ms: int


def raised_in(flat: list[bytes]) -> list[Raised]:
    """Return which alarms a run of due work gave to its caller."""
    scopes = [scope.decode().split(":", 1) for scope in flat[::2]]
    return [
        Raised(account, pipeline_id, seq.decode())
        for (account, pipeline_id), seq in zip(scopes, flat[1::2], strict=True)
    ]


class Alarms:
    """The outbox half of the store."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def read(self, which: Raised) -> StoredAlarm | None:
        """Read an alarm; None if it is settled, or its pipeline deleted."""
        now_ms, name, flat = await self._scripts.read(
            "read_alarms",
            shard_of(which.pipeline_id),
            which.seq,
            scope=f"{which.account}:{which.pipeline_id}",
        )
        return StoredAlarm(record_of(flat), name.decode(), now_ms) if flat else None

    async def remove(self, which: Raised) -> bool:
        """Forget an alarm that is delivered or given up; False if that was so already."""
        return await self._settle(which, done=1, problem="", delay_ms=0)

    async def put_off(self, which: Raised, problem: str, delay_ms: int) -> bool:
        """Note why an alarm could not be delivered, to try again; False if it is gone."""
        return await self._settle(which, done=0, problem=problem, delay_ms=delay_ms)

    async def _settle(self, which: Raised, **outcome: str | int) -> bool:
        # What a failover loses of it is delivered once more: no call waits for a replica of Redis.
        done = await self._scripts.read(
            "settle_alarm",
            shard_of(which.pipeline_id),
            scope=f"{which.account}:{which.pipeline_id}",
            seq=which.seq,
            **outcome,
        )
        return bool(done)
