"""Worker groups: where tasks wait, and whether anybody polls for them."""

from __future__ import annotations

from .pages import Page, Section
from .panels import Column, Line, lines, table_of
from .queries import GROUP, largest, mean, per_second, quantile, share, total

BY = "account, worker_group"
NAME = "{{worker_group}} ({{account}})"
LABELS = {"worker_group": "Worker group", "account": "Account"}
WAIT = (("orange", 900.0), ("red", 3600.0))  # seconds; the first is the limit of ReadyBacklogAging
SILENCE = (("orange", 60.0), ("red", 300.0))  # seconds; the last is the limit of NoRunnerForGroup


def _each(metric: str) -> str:
    return largest(metric, GROUP, by=BY)


NOW = [
    table_of(
        "Groups",
        "Each worker group: what is ready, how long the oldest has been, when anybody polled last, "
        "and what its polls do. Beyond the most active groups the rest is `other`.",
        "Ready tasks and no poll: start runners for the group, or see whether its name is "
        "misspelt in "
        "the definition. Names are exact, capitals too.",
        LABELS,
        Column(_each("ready_tasks"), "Ready", "short"),
        Column(_each("ready_oldest_age_seconds"), "Oldest", "s", WAIT),
        Column(_each("group_last_poll_age_seconds"), "Last poll", "s", SILENCE),
        Column(total("group_waiters", GROUP, by=BY), "Waiting polls", "short"),
        Column(per_second("polls_total", GROUP, by=BY), "Polls", "ops"),
    ),
]
WAITING = [
    lines(
        "Ready tasks",
        "Tasks that wait for a runner, by group.",
        "Growing for longer than a schedule's burst: more runners, or fewer tasks at a time.",
        Line(_each("ready_tasks"), NAME),
        span=12,
    ),
    lines(
        "Age of the oldest ready task",
        "How long the task that has waited longest has been ready, by group.",
        "Growing with polls: too few runners (ReadyBacklogAging). Without: none "
        "(NoRunnerForGroup).",
        Line(_each("ready_oldest_age_seconds"), NAME),
        unit="s",
        limits=(("red", 900.0),),
        span=12,
    ),
    lines(
        "Time in ready",
        "How long tasks that were handed out had been ready, over all groups.",
        "Compare with the ages by group: one full group lengthens the tail of all.",
        Line(quantile(0.5, "ready_wait_seconds"), "half within"),
        Line(quantile(0.99, "ready_wait_seconds"), "99 % within"),
        Line(mean("ready_wait_seconds"), "mean"),
        unit="s",
        span=12,
    ),
    lines(
        "From poll to hand-out",
        "How long polls that got a task had waited for it.",
        "About the time between two tasks where runners wait for work. 0 where work waits for "
        "runners.",
        Line(quantile(0.5, "poll_hand_out_seconds"), "half within"),
        Line(quantile(0.99, "poll_hand_out_seconds"), "99 % within"),
        unit="s",
        span=12,
    ),
]
POLLING = [
    lines(
        "Since the last poll",
        "How long ago anybody polled for a group. A waiting poll counts when it comes.",
        "Longer than COORDINATOR_POLL_WAIT and a little: its runners are gone, or all busy.",
        Line(_each("group_last_poll_age_seconds"), NAME),
        unit="s",
        limits=(("red", 300.0),),
    ),
    lines(
        "Waiting polls",
        "Polls that wait for a task now, by group, over all replicas.",
        "0 with ready tasks is a group whose runners are all busy, or not there.",
        Line(total("group_waiters", GROUP, by=BY), NAME),
        stacked=True,
    ),
    lines(
        "Polls",
        "Polls each second, by group.",
        "Many a second from few runners: their poll ends at once; look for short time-outs of a "
        "proxy.",
        Line(per_second("polls_total", GROUP, by=BY), NAME),
        unit="ops",
    ),
    lines(
        "Empty polls",
        "Polls that ended without a task, as a share of all.",
        "Near 100 %: more runners than work. That costs little.",
        Line(share(per_second("empty_polls_total"), per_second("polls_total")), "empty"),
        unit="percentunit",
        span=12,
    ),
    lines(
        "Wake-ups",
        "Messages of Redis that told replicas of ready tasks, and waiting polls woken that found "
        "none.",
        "Empty ones as many as wakes: several replicas race for each task, which is harmless.",
        Line(per_second("wakes_total"), "messages"),
        Line(per_second("empty_wakes_total"), "woken for nothing"),
        unit="ops",
        span=12,
    ),
]
PAGE = Page(
    uid="coordinator-groups",
    title="Worker groups",
    description="Where tasks wait, and whether anybody polls for them.",
    sections=[
        Section("Now", NOW),
        Section("What waits", WAITING),
        Section("Who polls", POLLING),
    ],
    alerts=("NoRunnerForGroup", "ReadyBacklogAging"),
    groups=True,
)
