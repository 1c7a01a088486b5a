"""What validation says of schedules and actions."""

from __future__ import annotations

import pytest
from definitions import ALARM, START, activity, every, thing

from coordinator.domain.validation import validate

FIRST = "FIRST_ACTIVATION_DATE_TIME"
ON_SCHEDULE = [
    thing("Default", schedule="s"),
    thing("s", "Schedule", period="1 day", startAt=FIRST),
]
TERMINATES = "a Terminate, which has an effect only in 'onLateAction'."


@pytest.mark.parametrize(
    "objects",
    [
        [*ON_SCHEDULE, activity("a")],
        [*ON_SCHEDULE, activity("a", scheduleType="CRON"), activity("b")],
        [
            every("s"),
            every("t", "2 seconds"),
            activity("a", schedule="s"),
            activity("b", schedule="t"),
        ],
        [every("s", occurrences="3"), activity("a", schedule="s")],
        [every("s", endDateTime="2026-01-31T08:00:01"), activity("a", schedule="s")],
        [*ON_SCHEDULE, activity("a", maxActiveInstances="3")],
        [
            every("s", "#{myPeriod}", myPeriod="1 day"),
            activity("a", schedule="s"),
            activity("b", schedule="s"),
        ],
        [
            *ON_SCHEDULE,
            activity("a", onLateAction=["t", "m"], lateAfterTimeout="1 hour", onFail="m"),
            thing("t", "Terminate"),
            thing("m", "SnsAlarm", topicArn="t", **ALARM),
        ],
        [*ON_SCHEDULE, activity("a", input="d"), thing("d", "S3DataNode", filePath="f")],
    ],
)
def test_sound_schedules_have_no_findings(objects):
    """Styles may differ, and so may schedules."""
    assert validate(objects) == ({}, {})


@pytest.mark.parametrize(
    ("objects", "errors"),
    [
        (
            [*ON_SCHEDULE, activity("a"), activity("b", scheduleType="ondemand")],
            {"b": "The activity runs on demand, and 'a' on a schedule: a pipeline has"},
        ),
        (
            [every("s"), activity("a", schedule="s"), activity("b"), activity("c")],
            {
                "b": "The activity needs a 'schedule', since 'a' has one.",
                "c": "The activity needs a 'schedule', since 'a' has one.",
            },
        ),
        (
            [activity("a", scheduleType="TimeSeries")],
            {"a": "'scheduleType' is 'timeseries', and there is no 'schedule'."},
        ),
        (
            [activity("a", schedule="s"), thing("s", "Schedule", startAt=FIRST)],
            {"s": "Schedule needs 'period'."},
        ),
        (
            [activity("a", schedule="s"), thing("s", "Schedule", period="1 day")],
            {"s": "Schedule needs 'startDateTime' or 'startAt'."},
        ),
        (
            [activity("a", schedule="s"), every(startDateTime=START, startAt=FIRST)],
            {"s": "Only one of 'startDateTime' or 'startAt' can be used: remove the other."},
        ),
        (
            [
                activity("a", schedule="s"),
                every(endDateTime="2027-01-01T00:00:00", occurrences="1"),
            ],
            {"s": "Only one of 'endDateTime' or 'occurrences' can be used: remove the other."},
        ),
        (
            [activity("a", schedule="s"), every(endDateTime=START)],
            {"s": "'endDateTime' must be later than 'startDateTime'."},
        ),
        (
            [activity("a", schedule="s", scheduleType="cron"), every(period="ONDEMAND_PERIOD")],
            {"s": "The period ONDEMAND_PERIOD is for 'scheduleType' ondemand."},
        ),
        (
            [activity("a", schedule="s"), every(startAt="ONDEMAND_ACTIVATION_TIME")],
            {"s": "'startAt' ONDEMAND_ACTIVATION_TIME is for the period ONDEMAND_PERIOD."},
        ),
        (
            [activity("a", schedule="s"), thing("s", "ScheduleOfOurs", period="1 day")],
            {"a": "'schedule' refers to 's', which is not a Schedule."},
        ),
        (
            [activity("a", schedule="s"), every(**{"*occurrences": "1"})],
            {"s": "'*occurrences' of a Schedule cannot be a secret: call it 'occurrences'."},
        ),
        (
            [activity("a", schedule="s"), every(occurrences="#{myCount}")],
            {"s": "'occurrences' has an expression without a value: "},
        ),
        (
            [activity("a", schedule="s"), every(occurrences="#{@scheduledStartTime}")],
            {"s": "'occurrences' has an expression without a value: "},
        ),
        (
            [*ON_SCHEDULE, activity("a", onLateAction="t"), thing("t", "Terminate")],
            {"a": "'onLateAction' needs a 'lateAfterTimeout'."},
        ),
    ],
)
def test_each_error_of_a_schedule_is_reported(objects, errors):
    """One sentence, on the object that has to be changed."""
    found = validate(objects).errors
    assert list(found) == list(errors)
    for object_id, sentence in errors.items():
        (said,) = found[object_id]
        assert said.startswith(sentence)


@pytest.mark.parametrize(
    ("period", "other", "waits"),
    [
        ("2001 seconds", "1 second", "2,001"),
        ("2000 seconds", "1 second", ""),
        ("1 day", "40 seconds", "2,160"),
        ("1 month", "20 minutes", "2,232"),
        ("1 month", "23 minutes", ""),
        ("1 second", "3 years", ""),
    ],
)
def test_very_many_intervals_are_not_waited_for(period, other, waits):
    """An interval that waits for thousands of others would make thousands of entries."""
    objects = [activity("a", schedule="s", dependsOn="b"), activity("b", schedule="t")]
    found = validate([*objects, every("s", period), every("t", other)]).errors
    assert list(found) == (["a"] if waits else [])
    assert not waits or f"would wait for {waits} intervals" in found["a"][0]


def test_the_intervals_of_all_that_is_waited_for_count():
    """Each of several activities on another schedule has its own instances."""
    objects = [activity("a", schedule="s", dependsOn=["b", "c"])]
    objects += [activity(name, schedule="t") for name in ("b", "c")]
    found = validate([*objects, every("s", "1 day"), every("t", "1 minute")]).errors
    assert "would wait for 2,880 intervals" in found["a"][0]
    few = every("t", "1 minute", occurrences="9")
    assert validate([*objects, every("s", "1 day"), few]).errors == {}


@pytest.mark.parametrize(
    ("objects", "warnings"),
    [
        (
            [activity("a", lateAfterTimeout="1 hour")],
            {"a": ["'lateAfterTimeout' has no effect on demand: nothing is late there."]},
        ),
        (
            [*ON_SCHEDULE, activity("a", lateAfterTimeout="1 hour")],
            {"a": ["'lateAfterTimeout' has no effect without 'onLateAction'."]},
        ),
        (
            [activity("a", onSuccess="t"), thing("t", "Terminate")],
            {"a": [f"'onSuccess' refers to 't', {TERMINATES}"]},
        ),
        (
            [
                activity("a", input="d"),
                thing("d", "S3DataNode", filePath="f", onFail="m"),
                thing("m", "SnsAlarm", topicArn="t", **ALARM),
            ],
            {"d": ["'onFail' has no effect on a data node, which is not run by itself."]},
        ),
        (
            [
                *ON_SCHEDULE,
                every("other", "1 hour"),
                activity("a", input=["d", "e"]),
                thing("d", "S3DataNode", filePath="f", schedule="other"),
                thing("e", "S3DataNode", filePath="f", schedule="s"),
            ],
            {
                "d": [
                    (
                        "'schedule' is not that of 'a', which reads the data: its fields are "
                        "evaluated for the intervals of 'a'."
                    )
                ]
            },
        ),
    ],
)
def test_what_has_no_effect_is_a_warning(objects, warnings):
    """It runs, but hardly as meant."""
    assert validate(objects) == ({}, warnings)


RUNS = [thing("Default", schedule="s", scheduleType="cron"), every(), activity("a")]
CHANGED = "'scheduleType' was activated and cannot change: it was cron, and would be"


@pytest.mark.parametrize(
    ("objects", "errors"),
    [
        ([thing("Default", schedule="s", scheduleType="Cron"), *RUNS[1:]], {}),
        ([RUNS[0], every(period="24 hours"), RUNS[2]], {}),
        ([RUNS[0], every(occurrences="4"), RUNS[2]], {}),
        ([RUNS[0], every(endDateTime="2027-01-31T08:00:00"), RUNS[2]], {}),
        ([*RUNS, activity("b", scheduleType="timeseries")], {}),
        (
            [thing("Default", schedule="s"), *RUNS[1:]],
            {"a": [f"{CHANGED} timeseries."]},
        ),
        ([*RUNS[:2], activity("a", scheduleType="ondemand")], {"a": [f"{CHANGED} ondemand."]}),
        (
            [RUNS[0], every(period="1 week"), RUNS[2]],
            {"s": ["'period' was activated and cannot change: use a new Schedule."]},
        ),
    ],
)
def test_what_was_activated_keeps_its_rhythm(objects, errors):
    """Period, start and style stay; the end may move."""
    assert validate(RUNS).errors == {}
    assert validate(objects, active=RUNS).errors == errors


def test_a_style_that_a_parameter_says_stays_said_so():
    """Its value is looked at when the pipeline is activated."""
    styles = {"schedule": "s", "myStyle": "cron", "myOther": "cron"}
    before, after = (
        [thing("Default", scheduleType=f"#{{{name}}}", **styles), every(), activity("a")]
        for name in ("myStyle", "myOther")
    )
    assert validate(before, active=before).errors == {}
    (sentence,) = validate(after, active=before).errors["a"]
    assert sentence.endswith("it was #{myStyle}, and would be #{myOther}.")
