"""Schedules for tests of the store: where they begin is said against the present."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from seeds import component

from coordinator.domain.schedules import Schedule
from coordinator.domain.times import iso

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86_400
CRON, TIMESERIES = "cron/Clock", "timeseries/Clock"


def now_ms() -> int:
    """Return the start of the present second; tests that depend on it allow for some seconds."""
    return int(datetime.now(UTC).timestamp()) * 1000


def hours_ago(hours: float) -> int:
    """Return a time in the past, in ms."""
    return now_ms() - int(hours * HOUR) * 1000


def at(text: str) -> int:
    """Return the ms of a time of the wire."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def every(
    number: int, name: str = CRON, *, start_ms: int | None, count: int = 1, **more: Any
) -> Schedule:
    """Make a schedule of so many seconds (or of `unit`)."""
    given = {"unit": "second", "window": 5, **more}
    style: Any = name.partition("/")[0]
    return Schedule(name, style, start_ms, number, count=count, **given)


def on(name: str = CRON, work: str = "Work", **more: Any) -> Any:
    """Make a component that runs on a schedule."""
    return component(work, schedule=name, **more)


def intervals(work: str, start_ms: int, *numbers: int, seconds: int = HOUR) -> list[str]:
    """Return the ids of a component's instances of these intervals."""
    return [f"@{work}_{iso(start_ms + k * seconds * 1000)}" for k in numbers]
