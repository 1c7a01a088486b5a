"""Gauges that come from Redis: the same on every replica but for the moment of the scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.web.exposition.families import Family
from coordinator.web.exposition.work import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coordinator.web.exposition.families import Reading, Value

STATES = ("blocked", "ready", "leased", "delayed", "terminal")


def _count(name: str, scale: float = 1) -> Callable[[Reading], Iterable[tuple[tuple[()], Value]]]:
    def read(reading: Reading) -> Iterable[tuple[tuple[()], Value]]:
        if reading.counts is not None:
            yield (), getattr(reading.counts, name) * scale

    return read


def _groups(name: str) -> Callable[[Reading], Iterable[tuple[tuple[str, ...], Value]]]:
    return lambda reading: getattr(reading.groups, name).items() if reading.groups else ()


def _vital(name: str) -> Callable[[Reading], Iterable[tuple[tuple[()], Value]]]:
    def read(reading: Reading) -> Iterable[tuple[tuple[()], Value]]:
        if reading.vitals is not None:
            yield (), int(getattr(reading.vitals, name))

    return read


def _instances(reading: Reading) -> Iterable[tuple[tuple[str, ...], Value]]:
    if reading.counts is not None:
        yield from (((state,), getattr(reading.counts, state)) for state in STATES)


SHARED = (
    Family(
        "redis_up",
        "gauge",
        (),
        "Whether Redis answered",
        lambda reading: [((), int(reading.counts is not None))],
    ),
    Family(
        "instances",
        "gauge",
        ("state",),
        "Instances by state (leased: live leases)",
        _instances,
    ),
    Family(
        "stale_leases",
        "gauge",
        (),
        "Leases whose holders have not reported for COORDINATOR_STALE_AFTER; they are not taken",
        _count("stale"),
    ),
    Family("timers", "gauge", (), "Timers to come", _count("timers")),
    Family("timers_due", "gauge", (), "Timers that are due and not applied", _count("due")),
    Family(
        "timers_lag_seconds",
        "gauge",
        (),
        "For how long the first of them has been due",
        _count("lag_ms", 0.001),
    ),
    Family(
        "cursors_pending",
        "gauge",
        (),
        "Fan-outs under way, of the first 1,000 timers that are due in each shard",
        _count("cursors"),
    ),
    Family("alarms_pending", "gauge", (), "Alarms to be delivered", _count("alarms")),
    Family("alarms_stuck", "gauge", (), "Those that have failed at least once", _count("stuck")),
    Family(
        "ready_tasks",
        "gauge",
        GROUP,
        "Ready tasks by worker group; those of groups with few under other",
        _groups("ready"),
    ),
    Family(
        "ready_oldest_age_seconds",
        "gauge",
        GROUP,
        "For how long the oldest of them has been ready",
        _groups("oldest"),
    ),
    Family(
        "group_last_poll_age_seconds",
        "gauge",
        GROUP,
        "Time since any runner polled the worker group; absent if none has within a week",
        _groups("polled"),
    ),
    Family(
        "redis_memory_bytes",
        "gauge",
        (),
        "Memory that Redis uses; of several nodes, the fullest",
        _vital("used"),
    ),
    Family(
        "redis_memory_limit_bytes",
        "gauge",
        (),
        "maxmemory of that node; 0: none",
        _vital("limit"),
    ),
    Family(
        "redis_append_only",
        "gauge",
        (),
        "Whether every node has its append-only file on",
        _vital("append_only"),
    ),
)
