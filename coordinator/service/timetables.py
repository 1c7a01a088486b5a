"""How far the schedules of a pipeline are, as its components show it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from coordinator.domain.control_fields import SCHEDULE
from coordinator.domain.times import iso
from coordinator.domain.timetable import schedule_name
from coordinator.domain.view import DefinitionView
from coordinator.service.definitions import decode

if TYPE_CHECKING:
    from coordinator.store.instances import Progress, Record
    from coordinator.store.pipelines import Pipelines, StoredDefinition

OVER = "inf"
STYLES = ("cron", "timeseries")


async def schedule_fields(
    pipelines: Pipelines, account: str, pipeline_id: str, stored: StoredDefinition
) -> dict[str, Record]:
    """Return the fields that a schedule gives to activities, and to Schedule objects, by their ids.

    There are none before the pipeline's first activation, nor of one that runs on demand.

    Raises:
        UnavailableError: Redis cannot answer now.
    """
    if "next_run_ms" not in stored.pipeline:
        return {}
    names = await asyncio.to_thread(_names, stored)
    wanted = list(dict.fromkeys(name for some in names.values() for name in some))
    found = await pipelines.schedules(account, pipeline_id, wanted)
    known = {name: row for name, row in zip(wanted, found, strict=True) if row.next_ms}
    active = stored.pipeline["state"] == "SCHEDULED"
    return {
        object_id: _fields([known[name] for name in some if name in known], active=active)
        for object_id, some in names.items()
    }


def _names(stored: StoredDefinition) -> dict[str, list[str]]:
    """Return the schedules of each object that has any: a Schedule object may be in both styles."""
    view = DefinitionView(decode(stored).pipeline_objects)
    found = {
        object_id: [f"{style}/{object_id}" for style in STYLES]
        for object_id, kind in view.types.items()
        if kind == SCHEDULE
    }
    own = {item.id: schedule_name(view, item) for item in view.activities}
    return found | {object_id: [name] for object_id, name in own.items() if name}


def _fields(rows: list[Progress], *, active: bool) -> Record:
    latest = max((int(row.latest_ms) for row in rows if row.latest_ms), default=None)
    dues = [float(row.next_ms) for row in rows if row.next_ms != OVER]
    shown = {"@latestRunTime": "" if latest is None else iso(latest)}
    if rows and active:
        shown["@nextRunTime"] = iso(min(dues)) if dues else ""
        shown["@waitingReason"] = _reason(rows)
    return shown


def _reason(rows: list[Progress]) -> str:
    """Say what the next run waits for."""
    going_on = [row for row in rows if row.next_ms != OVER]
    if not going_on:
        return "its schedule is over: no run is to come"
    row = min(going_on, key=lambda row: float(row.next_ms))
    if row.window:
        runs = "1 run has" if row.live == 1 else f"{row.live} runs have"
        return f"{runs} not ended, and no more than {row.window} may go on: see maxActiveInstances"
    return f"its next run is due at {iso(float(row.next_ms))}"
