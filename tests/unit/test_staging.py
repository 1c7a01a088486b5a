"""What is stored of a version for the scripts, and the schedules and settings in it."""

from __future__ import annotations

import json

from definitions import activity, thing

from coordinator.config import Settings
from coordinator.domain.definitions import Definition, Field, ParameterValue
from coordinator.service.activation import make_plan, staged

START = "2026-01-31T08:00:00"
START_MS = 1_769_846_400_000
HOUR_MS = 3_600_000
PLAIN = {"id", "group", "needs", "maximum_retries", "retry_delay_ms", "attempt_timeout_ms"}
PLAIN |= {"progress_timeout_ms", "cascade"}


def plan(*objects, values=(), **settings):
    """What an activation of these objects runs."""
    return make_plan(Definition(tuple(objects)), values, Settings(**settings))


def fields(made):
    """What is stored of a plan, by field, decoded."""
    stored = dict(staged(made.components, b"{}", 0, schedules=made.schedules))
    assert int(stored["fields"]) == len(stored)
    assert int(stored["count"]) == len(made.components)
    return {name: json.loads(value) for name, value in stored.items()}


def every(object_id, period, **more):
    """A Schedule."""
    return thing(object_id, "Schedule", **{"period": period, "startDateTime": START} | more)


def test_what_runs_on_demand_is_stored_as_ever():
    """Neither schedules nor a field that only those have."""
    stored = fields(plan(activity("a"), activity("b", dependsOn="a")))
    assert set(stored) == {*(f"{n}:{i}" for n in ("settings", "object") for i in (0, 1))} | {
        "definition",
        "count",
        "fields",
    }
    assert set(stored["settings:1"]) == PLAIN
    assert stored["settings:1"]["needs"] == [0]


def test_components_of_a_schedule_stand_together():
    """Each schedule tells where its own are; what others need of them is named."""
    made = plan(
        thing("Default", schedule="Hourly"),
        activity("a", dependsOn="c"),
        activity("b", schedule="Daily"),
        activity("c", dependsOn=["e", "b"]),
        activity("e", scheduleType="CRON", maxActiveInstances="7"),
        every("Hourly", "60 minutes", occurrences="3"),
        every("Daily", "1 day", endDateTime="2026-02-01T08:00:00"),
        thing("Unused", "Schedule", period="1 year", startAt="FIRST_ACTIVATION_DATE_TIME"),
    )
    stored = fields(made)
    settings = [stored[f"settings:{i}"] for i in range(4)]
    assert [(each["id"], each["needs"], each.get("across")) for each in settings] == [
        ("a", [1], None),
        ("c", [], [["e", "cron/Hourly"], ["b", "timeseries/Daily"]]),
        ("b", [], None),
        ("e", [], None),
    ]
    hourly = {"number": 3600, "unit": "second", "start_ms": START_MS, "occurrences": 3}
    daily = {"number": 86_400, "unit": "second", "start_ms": START_MS}
    daily["end_ms"] = START_MS + 24 * HOUR_MS
    assert stored["schedules"] == [
        {"name": "timeseries/Hourly", "style": "timeseries", "window": 5, "offset": 0, "count": 2}
        | hourly,
        {"name": "timeseries/Daily", "style": "timeseries", "window": 5, "offset": 2, "count": 1}
        | daily,
        {"name": "cron/Hourly", "style": "cron", "window": 7, "offset": 3, "count": 1} | hourly,
    ]


def test_a_window_is_the_smallest_that_an_activity_names():
    """Inherited ones count; without any the setting does."""
    objects = [every("s", "1 day"), thing("Default", schedule="s")]
    few = [activity("a", maxActiveInstances="3"), activity("b", maxActiveInstances="2")]
    (schedule,) = plan(*objects, *few, activity("c")).schedules
    assert schedule.window == 2
    (schedule,) = plan(*objects, activity("c"), active_intervals=9).schedules
    assert schedule.window == 9


def test_a_start_at_the_first_activation_is_left_open():
    """The scripts know when that was."""
    made = plan(
        thing("s", "Schedule", period="1 month", startAt="FIRST_ACTIVATION_DATE_TIME"),
        activity("a", schedule="s"),
    )
    (schedule,) = fields(made)["schedules"]
    assert "start_ms" not in schedule
    assert (schedule["number"], schedule["unit"]) == (1, "month")


def test_a_precondition_is_stored_before_its_activity():
    """It has its object's name, and says that it is none of the activities."""
    made = plan(
        thing("Ready", "Exists", preconditionTimeout="2 hours"),
        activity("a", precondition="Ready"),
        activity("b", precondition="Ready", dependsOn="a"),
    )
    stored = fields(made)
    first, last = stored["settings:0"], stored["settings:3"]
    assert (first["id"], first["component"], first["precondition"]) == ("Ready_a", "Ready", True)
    assert (first["precondition_timeout_ms"], first["cascade"]) == (2 * HOUR_MS, True)
    assert last["id"] == "b"
    assert last["checks"] == [2]
    assert last["needs"] == [1, 2]
    assert stored["settings:2"]["needs"] == [1]
    assert Field("node", ref_value="a") in made.components[0].fields


def test_actions_are_stored_by_their_event():
    """Alarms are named; a Terminate is a word of its own, and only counts when late."""
    alarm = {"subject": "s", "message": "m", "topicArn": "t"}
    made = plan(
        thing("Default", schedule="s", onFail="Alarm"),
        activity("a", onLateAction=["Alarm", "Stop"], lateAfterTimeout="30 minutes"),
        activity("b", onFail=["Stop", "Other", "Other"], onSuccess="Alarm"),
        every("s", "1 day"),
        thing("Alarm", "SnsAlarm", **alarm),
        thing("Other", "SnsAlarm", **alarm),
        thing("Stop", "Terminate"),
    )
    stored = fields(made)
    first, last = stored["settings:0"], stored["settings:1"]
    assert first["actions"] == {"fail": ["Alarm"], "late": ["Alarm"]}
    assert (first["late_ms"], first["terminate_late"]) == (HOUR_MS // 2, True)
    assert last["actions"] == {"fail": ["Other"], "success": ["Alarm"]}
    assert not {"late_ms", "terminate_late"} & set(last)


def test_nothing_on_demand_is_late():
    """There is no time at which it was to have begun."""
    made = plan(
        activity("a", onLateAction="Stop", lateAfterTimeout="30 minutes"),
        thing("Stop", "Terminate"),
    )
    assert set(fields(made)["settings:0"]) == PLAIN


def test_what_an_activation_runs_by_may_come_from_parameters():
    """Periods, starts and styles as well as delays; each value is taken at the activation."""
    parameters = {"myPeriod": "2 hours", "myStart": START, "myStyle": "cron", "myCount": "4"}
    parameters |= {"myWait": "5 minutes", "myGroup": "checkers"}
    delays = ("retryDelay", "preconditionTimeout")
    made = plan(
        thing("Default", schedule="s", scheduleType="#{myStyle}", maxActiveInstances="#{myCount}"),
        every("s", "#{myPeriod}", startDateTime="#{myStart}", occurrences="#{myCount}"),
        thing("p", "Exists", workerGroup="#{myGroup}", **dict.fromkeys(delays, "#{myWait}")),
        activity("a", precondition="p", lateAfterTimeout="#{myWait}"),
        values=[ParameterValue(name, text) for name, text in parameters.items()],
    )
    (schedule,) = made.schedules
    assert (schedule.name, schedule.number, schedule.start_ms) == ("cron/s", 7200, START_MS)
    assert (schedule.occurrences, schedule.window) == (4, 4)
    check, item = made.components
    assert (check.retry_delay_ms, check.precondition_timeout_ms) == (300_000, 300_000)
    assert (check.worker_group, item.late_ms) == ("checkers", 300_000)
