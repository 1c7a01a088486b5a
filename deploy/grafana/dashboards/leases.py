"""Leases: is work moving, who loses leases, how late are we?"""

from __future__ import annotations

from .pages import Page, Section
from .panels import Line, lines, stat_of
from .queries import counter, largest, mean, per_replica, per_second, quantile, share, total

PROMISE = (("red", 0.25),)  # seconds from a lost lease's deadline to its next hand-out

MOVING = [
    stat_of(
        "Handed out",
        "Tasks handed out each second, over all replicas.",
        "At 0 with tasks ready: see Worker groups, nobody polls. At 0 with none ready: see "
        "Pipelines "
        "and schedules.",
        per_second("granted_total"),
        unit="ops",
    ),
    stat_of(
        "Finished",
        "Tasks finished each second.",
        "Much below what is handed out for longer than tasks last: see who loses leases, below.",
        per_second("finished_total"),
        unit="ops",
    ),
    stat_of(
        "Live leases",
        "Tasks that runners have now.",
        "As many as your runners take at a time is right. Fewer, with tasks ready: runners are "
        "missing.",
        largest("instances", 'state="leased"'),
    ),
    stat_of(
        "Ready",
        "Tasks that wait for a runner.",
        "What matters is how long: see the oldest in Worker groups.",
        largest("instances", 'state="ready"'),
    ),
    stat_of(
        "Lost leases",
        "Leases lost in the span shown, whatever the cause.",
        "See Lost leases by cause.",
        counter("lost_total"),
        limits=(("orange", 1),),
    ),
    stat_of(
        "Late by",
        "For how long the oldest timer that is due has waited to be applied.",
        "More than a second: see TimersBehind.",
        largest("timers_lag_seconds"),
        unit="s",
        limits=(("orange", 1.0), ("red", 5.0)),
    ),
    lines(
        "What becomes of tasks",
        "Tasks by what has become of them, each second.",
        "Finished must follow handed out. Failed: read errorMessage of the instances.",
        Line(per_second("granted_total"), "handed out"),
        Line(per_second("finished_total"), "finished"),
        Line(per_second("retried_total"), "failed, retried"),
        Line(per_second("failed_total"), "failed for good"),
        Line(per_second("canceled_total"), "canceled"),
        Line(per_second("unsatisfied_total"), "precondition not satisfied yet"),
        unit="ops",
        span=12,
    ),
    lines(
        "Reports",
        "Reports of progress each second: the first of a lease acknowledges it, the others renew "
        "it.",
        "No reports with live leases: runners are cut off, or Redis is (Redis and HTTP).",
        Line(per_second("acknowledged_total"), "acknowledged"),
        Line(per_second("renewed_total"), "renewed"),
        unit="ops",
        span=12,
    ),
]
LOSING = [
    lines(
        "Lost leases by cause",
        "Unacknowledged: no first report within COORDINATOR_ACK_TIMEOUT. Silent: no report "
        "within the "
        "progress timeout. attempt_timeout: the attempt's own limit was over.",
        "Unacknowledged: runners die between poll and first report. Silent: they die, hang, or "
        "report "
        "too seldom. Many at a time: one host or network.",
        Line(per_second("lost_total", by="cause"), "{{cause}}"),
        unit="ops",
        stacked=True,
    ),
    lines(
        "Share of leases lost",
        "Lost leases as a share of those granted.",
        "More than a few in a hundred, for long: see LeaseLossRate in the runbook.",
        Line(share(per_second("lost_total"), per_second("granted_total")), "lost"),
        unit="percentunit",
        limits=(("red", 0.05),),
    ),
    lines(
        "Time left at reports",
        "How much of a lease was left when a report came, as a share of its timeout: the one in a "
        "hundred and in ten that had least, and the median. It sinks before leases are lost.",
        "Near 0: report more often, or raise reportProgressTimeout. See LeaseSlackLow.",
        Line(quantile(0.01, "lease_slack_ratio"), "1 % had less"),
        Line(quantile(0.1, "lease_slack_ratio"), "10 % had less"),
        Line(quantile(0.5, "lease_slack_ratio"), "half had less"),
        unit="percentunit",
    ),
    lines(
        "Silent leases",
        "Leases that runners have, and those of them without a report for COORDINATOR_STALE_AFTER.",
        "Silent ones are lost at their deadline: see LeasesStale. A long reportProgressTimeout "
        "lets the dead hold tasks for long.",
        Line(largest("instances", 'state="leased"'), "held"),
        Line(largest("stale_leases"), "silent"),
        span=6,
    ),
    lines(
        "Refused calls",
        "Calls of runners that changed nothing, by verdict. superseded: the lease had been lost; "
        "repeat: a call sent again, harmless.",
        "superseded and unknown follow lost leases; alone they tell of runners that keep old "
        "handles.",
        Line(per_second("refused_total", by="verdict"), "{{verdict}}"),
        unit="ops",
        span=6,
    ),
    lines(
        "Hand-outs undone or repeated",
        "Given back: the runner had left before it was told. Handed again: a poll whose answer "
        "was lost "
        "asked again. Grace: leases spared after an outage.",
        "Given back often: clients or a load balancer close polls early; raise their time-outs "
        "above "
        "COORDINATOR_POLL_WAIT.",
        Line(per_second("given_back_total"), "given back"),
        Line(per_second("handed_again_total"), "handed again"),
        Line(per_second("graced_total"), "given grace"),
        unit="ops",
        span=6,
    ),
    lines(
        "From cancel to told",
        "From a cancel, or the loss of a lease, to the report that was told of it.",
        "It is as long as runners let pass between reports. Longer: they hang.",
        Line(quantile(0.5, "cancel_told_seconds"), "half within"),
        Line(quantile(0.99, "cancel_told_seconds"), "99 % within"),
        unit="s",
        span=6,
    ),
]
LATE = [
    lines(
        "Lost lease to next hand-out",
        "From a lost lease's deadline to the next hand-out of its task. With a waiting poll it "
        "is less "
        "than 250 ms (the red line).",
        "Above it with polls waiting: see HandOutLate. Without polls it is their absence that "
        "shows.",
        Line(quantile(0.5, "hand_out_lag_seconds"), "half within"),
        Line(quantile(0.99, "hand_out_lag_seconds"), "99 % within"),
        unit="s",
        limits=PROMISE,
    ),
    lines(
        "Time in ready",
        "How long tasks that were handed out had been ready.",
        "Growing: more work than runners. See Worker groups.",
        Line(quantile(0.5, "ready_wait_seconds"), "half within"),
        Line(quantile(0.99, "ready_wait_seconds"), "99 % within"),
        Line(mean("ready_wait_seconds"), "mean"),
        unit="s",
    ),
    lines(
        "Age of the oldest due timer",
        "For how long the timer that has been due longest has waited. Each replica looks at least "
        "each 200 ms, so it is mostly nothing. How many are due: Pipelines and schedules.",
        "Growing: see TimersBehind.",
        Line(largest("timers_lag_seconds"), "oldest"),
        unit="s",
        limits=(("red", 5.0),),
    ),
    lines(
        "Leases swept and events heard",
        "Leases taken after their deadline, and `expired` events that Redis told of, as a mean "
        "over the "
        "replicas. Events only hurry things; swept is the truth.",
        "Swept without events for long: see EventsDead. Latency is up to 200 ms then, nothing "
        "else.",
        Line(per_second("leases_swept_total"), "swept"),
        Line(per_replica("expired_events_total"), "events, mean of replicas"),
        unit="ops",
    ),
    lines(
        "Outages and clock",
        "Gaps in due work that counted as an outage (once in each shard), and steps back of "
        "Redis's "
        "clock, in the span shown.",
        "See OutageSeen and ClockSteppedBack.",
        Line(counter("outages_total"), "outages"),
        Line(counter("clock_steps_back_total"), "steps back of the clock"),
    ),
    lines(
        "Waiting polls",
        "Polls that wait for a task, by replica.",
        "All on one replica: the load balancer does not spread them. None: no runner is there.",
        Line(total("waiters", by="instance"), "{{instance}}"),
        stacked=True,
    ),
]
PAGE = Page(
    uid="coordinator-leases",
    title="Leases",
    description="Is work moving? Who loses leases? How late are we?",
    sections=[
        Section("Is work moving?", MOVING),
        Section("Who loses leases?", LOSING),
        Section("How late are we?", LATE),
    ],
    alerts=(
        "LeaseLossRate",
        "LeaseSlackLow",
        "LeasesStale",
        "HandOutLate",
        "TimersBehind",
        "TimersBroken",
        "OutageSeen",
        "ClockSteppedBack",
        "EventsDead",
    ),
)
