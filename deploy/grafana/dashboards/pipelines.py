"""Pipelines and schedules: what stands, what fails, what is late, what could not be told."""

from __future__ import annotations

from .pages import Page, Section
from .panels import Line, lines, stat_of
from .queries import counter, largest, mean, per_second, quantile, share

CALLS = "ActivatePipeline|DeactivatePipeline|DeletePipeline|PutPipelineDefinition|SetStatus"
CHANGES = f'operation=~"{CALLS}"'

STANDING = [
    stat_of(
        "Blocked",
        "Instances that wait for others.",
        "Growing while nothing is ready: what they wait for has failed. @waitingReason says which.",
        largest("instances", 'state="blocked"'),
    ),
    stat_of(
        "Delayed",
        "Instances that wait for a time: a retry, or the next check of a precondition.",
        "See failed and retried; @waitingReason says when each goes on.",
        largest("instances", 'state="delayed"'),
    ),
    stat_of(
        "Ended",
        "Instances that are kept as history.",
        "They take memory until COORDINATOR_HISTORY_DAYS are over: see Memory in Redis and HTTP.",
        largest("instances", 'state="terminal"'),
    ),
    stat_of(
        "Failed for good",
        "Instances that failed for good in the span shown.",
        "List them: QueryObjects with @status FAILED; rerun with SetStatus RERUN.",
        counter("failed_total"),
        limits=(("orange", 1.0),),
    ),
    stat_of(
        "Fan-outs under way",
        "Changes of many instances (cancel, delete, release of dependents) that are carried out "
        "step "
        "by step.",
        "Rises at once after a change of a large pipeline, and falls. Not falling: see "
        "TimersBehind.",
        largest("cursors_pending"),
    ),
    stat_of(
        "Alarms that fail",
        "Alarms that a receiver has refused at least once, and that wait for the next try.",
        "See AlarmsStuck.",
        largest("alarms_stuck"),
        limits=(("red", 1.0),),
    ),
]
WORK = [
    lines(
        "Instances by state",
        "What has not ended, by state. leased: a runner has it.",
        "Only blocked grows: something failed that others wait for. Only ready grows: see Worker "
        "groups.",
        Line(largest("instances", 'state!="terminal"', by="state"), "{{state}}"),
        span=12,
        stacked=True,
    ),
    lines(
        "How tasks end",
        "Instances by how they ended, each second.",
        "Failed or canceled in bursts: a change of a definition, or a system that tasks need.",
        Line(per_second("finished_total"), "finished"),
        Line(per_second("retried_total"), "failed, retried"),
        Line(per_second("failed_total"), "failed for good"),
        Line(per_second("canceled_total"), "canceled"),
        unit="ops",
        span=12,
    ),
    lines(
        "Share that fails",
        "Instances that failed for good, as a share of those that finished or failed.",
        "See InstancesFailing.",
        Line(
            share(
                per_second("failed_total"),
                f"({per_second('finished_total')} + {per_second('failed_total')})",
            ),
            "failed",
        ),
        unit="percentunit",
        limits=(("red", 0.05),),
    ),
    lines(
        "Preconditions",
        "Checks of preconditions that were not satisfied yet, each second.",
        "Constant for hours: what they wait for does not come. @waitingReason says what.",
        Line(per_second("unsatisfied_total"), "not satisfied yet"),
        unit="ops",
    ),
    lines(
        "Changes by users",
        "Calls that change pipelines, by operation.",
        "Compare with what began to fail at the same time.",
        Line(per_second("http_requests_total", CHANGES, by="operation"), "{{operation}}"),
        unit="ops",
    ),
]
TIME = [
    lines(
        "How late schedules run",
        "From the time at which an interval was due to the moment at which its instances were "
        "made.",
        "Above a second: see ScheduleLate.",
        Line(quantile(0.5, "schedule_lag_seconds"), "half within"),
        Line(quantile(0.99, "schedule_lag_seconds"), "99 % within"),
        Line(mean("schedule_lag_seconds"), "mean"),
        unit="s",
        limits=(("red", 30.0),),
    ),
    lines(
        "Timers",
        "What is to happen later: deadlines of leases, retries, ticks of schedules, fan-outs, "
        "alarms.",
        "It follows live leases and active schedules. Growing without end: report it.",
        Line(largest("timers"), "to come"),
        Line(largest("timers_due"), "due and not applied"),
    ),
    lines(
        "Timers applied",
        "Due timers applied each second by all replicas, and those that could not be (put off by a "
        "minute).",
        "Any that cannot be: see TimersBroken.",
        Line(per_second("timers_applied_total"), "applied"),
        Line(per_second("timers_broken_total"), "could not be"),
        unit="ops",
    ),
]
ALARMS = [
    lines(
        "Alarms",
        "What came of posting alarms, each second. logged: no receiver is set.",
        "failed: see AlarmsStuck. logged: set COORDINATOR_ALARM_URL.",
        Line(per_second("alarms_total", by="result"), "{{result}}"),
        unit="ops",
        span=12,
    ),
    lines(
        "Alarms that wait",
        "Alarms to be delivered, and of them those that failed at least once.",
        "pending stays above 0: the receiver is slow or away; DescribePipelines has @alarmError.",
        Line(largest("alarms_pending"), "pending"),
        Line(largest("alarms_stuck"), "failed at least once"),
        span=12,
    ),
]
PAGE = Page(
    uid="coordinator-pipelines",
    title="Pipelines and schedules",
    description="What stands, what fails, what is late, and what could not be told.",
    sections=[
        Section("Where things stand", STANDING),
        Section("Work", WORK),
        Section("Time", TIME),
        Section("Alarms", ALARMS),
    ],
    alerts=("InstancesFailing", "ScheduleLate", "AlarmsStuck"),
)
