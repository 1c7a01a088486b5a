"""Series of leases, tasks, polls and schedules: what this replica did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.metrics.largest import OTHER
from coordinator.web.exposition.families import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coordinator.metrics.largest import Name
    from coordinator.web.exposition.families import Reading, Value

GROUP = ("account", "worker_group")
COUNTERS = {
    "granted": "Leases granted: tasks handed out",
    "handed_again": "Tasks handed out again to a poll whose answer was lost",
    "acknowledged": "Leases acknowledged by a first report",
    "renewed": "Leases renewed by a further report",
    "finished": "Tasks finished",
    "retried": "Attempts reported as failed that will be retried",
    "unsatisfied": "Checks of preconditions that were not satisfied yet",
    "failed": "Instances failed for good",
    "canceled": "Instances canceled",
    "given_back": "Tasks given back because their runner had left before it was told",
    "leases_swept": "Leases taken away after their deadline",
    "graced": "Leases given grace after an outage",
    "timers_applied": "Due timers applied",
    "timers_broken": "Due timers that could not be applied and were put off by a minute",
    "outages": "Gaps in due work long enough to count as an outage",
    "clock_steps_back": "Times that Redis's clock was seen more than a second back",
    "expired_events": "Expired events of lease keys received",
    "wakes": "Wake-up messages received",
    "empty_polls": "Polls that ended without a task",
    "empty_wakes": "Checks of waiting polls that a wake-up led to and that found no task",
}
LABELLED = {
    "lost": ("cause", "Leases lost"),
    "refused": ("verdict", "Task calls that changed nothing"),
    "limited": ("limit", "Requests refused, and connections cut off, by a limit"),
    "alarms": ("result", "What came of delivering alarms"),
    "credentials_loads": ("result", "Changed credentials files, by whether they could be used"),
}
HISTOGRAMS = {
    "hand_out_lag": ("hand_out_lag_seconds", "From a lost lease's deadline to its next hand-out"),
    "poll_hand_out": (
        "poll_hand_out_seconds",
        "From the arrival of a poll that got a task to its hand-out",
    ),
    "ready_wait": ("ready_wait_seconds", "Time that a task had been ready when it was handed out"),
    "cancel_told": (
        "cancel_told_seconds",
        "From a cancel, a loss or a deletion to each report of its holder that was told",
    ),
    "schedule_lag": (
        "schedule_lag_seconds",
        "From when a run of a schedule was due, and the one before had begun, to its beginning",
    ),
}


def _plain(name: str) -> Callable[[Reading], Iterable[tuple[tuple[str, ...], Value]]]:
    return lambda reading: [((), getattr(reading.coordinator.metrics, name))]


def _labelled(name: str) -> Callable[[Reading], Iterable[tuple[tuple[str, ...], Value]]]:
    return lambda reading: [
        ((value,), count) for value, count in getattr(reading.coordinator.metrics, name).items()
    ]


def _waiting(reading: Reading) -> Iterable[tuple[Name, float]]:
    """The groups that most polls wait for; the rest together."""
    sizes = reading.coordinator.polls.waiters.sizes()
    named = sorted(sizes, key=sizes.__getitem__, reverse=True)
    named = named[: reading.coordinator.settings.metrics_groups]
    yield from ((name, sizes.pop(name)) for name in named)
    yield OTHER, sum(sizes.values())


WORK = (
    *(Family(name, "counter", (), text, _plain(name)) for name, text in COUNTERS.items()),
    *(
        Family(name, "counter", (label,), text, _labelled(name))
        for name, (label, text) in LABELLED.items()
    ),
    *(
        Family(name, "histogram", (), text, _plain(source))
        for source, (name, text) in HISTOGRAMS.items()
    ),
    Family(
        "lease_slack_ratio",
        "histogram",
        (),
        "Time left of a lease when it was renewed, as a share of all it had; 0 at its deadline",
        lambda reading: [((), reading.coordinator.metrics.lease_slack.histogram())],
    ),
    Family(
        "polls",
        "counter",
        GROUP,
        "Polls by worker group; those of groups with few under other",
        lambda reading: reading.coordinator.metrics.polls.items(),
    ),
    Family(
        "waiters",
        "gauge",
        (),
        "Polls of this replica that wait for a task",
        lambda reading: [((), reading.coordinator.polls.waiters.count)],
    ),
    Family(
        "group_waiters",
        "gauge",
        GROUP,
        "Polls of this replica that wait for a task, by worker group",
        _waiting,
    ),
)
