"""What validation finds in a definition."""

from __future__ import annotations

import time

import pytest
from definitions import activity, compiled, thing

from coordinator.domain.validation import MAX_MESSAGE, validate

HOURLY = thing("s", "Schedule", period="1 hour", startDateTime="2026-01-31T08:00:00")
CIRCLE = "The activity waits for itself, in a circle: 'b' → 'c' (dependsOn) → 'b' (dependsOn)."


def test_a_sound_definition_has_no_findings():
    """The usual on-demand pipeline raises nothing."""
    objects = [
        thing("Default", scheduleType="ondemand", role="r", retryDelay="1 minute"),
        activity("a", command="true"),
        activity("b", dependsOn="a", maximumRetries="0", attemptTimeout="2 Hours"),
        thing("c", "EmrActivity", runsOn="r", input="d"),
        thing("r", "EmrCluster"),
        thing("d", "S3DataNode", directoryPath="s3://b/#{@scheduledStartTime}"),
    ]
    assert validate(objects) == ({}, {})


@pytest.mark.parametrize(
    ("objects", "errors"),
    [
        (
            [activity("a", input="x")],
            {"a": ["'input' refers to 'x', which is not in the definition."]},
        ),
        (
            [activity("a", dependsOn="x")],
            {"a": ["'dependsOn' refers to 'x', which is not in the definition."]},
        ),
        (
            [activity("a", parent="x")],
            {"a": ["'parent' refers to 'x', which is not in the definition."]},
        ),
        (
            [activity("a", dependsOn="=b"), activity("b")],
            {"a": ["'dependsOn' must be a reference, not a string."]},
        ),
        (
            [activity("a", parent="b"), activity("b", parent="c"), activity("c", parent="b")],
            {"b": ["'parent' goes round in a circle: 'b' → 'c' → 'b'."]},
        ),
        (
            [activity("a", parent="a")],
            {"a": ["'parent' goes round in a circle: 'a' → 'a'."]},
        ),
        (
            [
                activity("a", dependsOn="b"),
                activity("b", dependsOn="c"),
                activity("c", dependsOn=["d", "b"]),
                activity("d"),
            ],
            {"b": [CIRCLE]},
        ),
        (
            [activity("a", dependsOn="r"), thing("r", "Ec2Resource")],
            {"a": ["'dependsOn' refers to 'r', which is not an activity."]},
        ),
        (
            [thing("a", "CopyActivity")],
            {"a": ["An activity needs a 'workerGroup' or 'runsOn'."]},
        ),
        (
            [thing("a", "CopyActivity", runsOn="r"), thing("r"), thing("s", parent="r")],
            {"a": ["'runsOn' refers to 'r', which has no type."]},
        ),
        (
            [activity("a" * 221)],
            {"a" * 221: ["The id of an activity must be at most 220 characters long."]},
        ),
        (
            [activity("a", maximumRetries="-1")],
            {"a": ["'maximumRetries' must be a whole number from 0 to 1000."]},
        ),
        (
            [activity("a", maximumRetries="1001")],
            {"a": ["'maximumRetries' must be a whole number from 0 to 1000."]},
        ),
        (
            [thing("Default", retryDelay="1 month"), activity("a")],
            {
                "Default": [
                    (
                        "'retryDelay' must be in weeks or a smaller unit, "
                        "since a month has no fixed length."
                    )
                ]
            },
        ),
        (
            [activity("a", attemptTimeout="0 hours")],
            {"a": ["'attemptTimeout' must be longer than nothing."]},
        ),
        (
            [activity("a", reportProgressTimeout="0 hours")],
            {"a": ["'reportProgressTimeout' must be longer than nothing."]},
        ),
        (
            [activity("a", workerGroup=["g", "h"])],
            {"a": ["'workerGroup' is given 2 times."]},
        ),
        (
            [thing("Default", scheduleType="cron"), activity("a")],
            {"a": ["'scheduleType' is 'cron', and there is no 'schedule'."]},
        ),
    ],
)
def test_each_error_is_reported_with_its_object(objects, errors):
    """One thing wrong gives one sentence, on the object where it is written."""
    assert validate(objects).errors == errors


@pytest.mark.parametrize(
    "objects",
    [
        [
            thing("Default", schedule="s", scheduleType="ONDEMAND"),
            HOURLY,
        ],
        [
            thing("Default", schedule="s"),
            thing("s", "Schedule", period="ONDEMAND_PERIOD", startAt="ONDEMAND_ACTIVATION_TIME"),
        ],
    ],
)
def test_on_demand_schedules_are_no_error(objects):
    """On demand may be said by the type, in any case, or by the schedule's period."""
    assert validate(objects).errors == {}


@pytest.mark.parametrize(
    ("objects", "warnings"),
    [
        (
            [thing("a", "ShelCommandActivity", workerGroup="g")],
            {
                "a": [
                    (
                        "'ShelCommandActivity' is not a type of AWS Data Pipeline: "
                        "did you mean 'ShellCommandActivity'?"
                    )
                ]
            },
        ),
        ([thing("a")], {"a": ["The object has no 'type', so it will not be run."]}),
        (
            [activity("a", onFail=["x", "x"], lateAfterTimeout="1 hour"), thing("x", "Terminate")],
            {
                "a": [
                    "'lateAfterTimeout' has no effect on demand: nothing is late there.",
                    (
                        "'onFail' refers to 'x', a Terminate, "
                        "which has an effect only in 'onLateAction'."
                    ),
                ]
            },
        ),
        (
            [activity("a", maxActiveInstances="2")],
            {
                "a": [
                    (
                        "'maxActiveInstances' limits the runs of an on-demand pipeline "
                        "only in 'Default'."
                    )
                ]
            },
        ),
    ],
)
def test_each_warning_is_reported_and_is_no_error(objects, warnings):
    """What runs, but hardly as meant, is a warning."""
    assert validate(objects) == ({}, warnings)


def test_an_object_without_type_may_be_a_parent():
    """Objects that only pass on fields need no type."""
    assert validate([thing("base", workerGroup="g"), activity("a", parent="base")]) == ({}, {})


def test_a_long_circle_is_told_in_part():
    """The sentence about a circle of many objects stays within the API's limit."""
    ids = [f"{n:0200}" for n in range(3000)]
    objects = [activity(a, dependsOn=b) for a, b in zip(ids, ids[1:] + ids[:1], strict=True)]
    ((sentence,),) = validate(objects).errors.values()
    assert " → … → " in sentence
    assert len(sentence) < MAX_MESSAGE


@pytest.mark.parametrize("scheduled", [False, True])
def test_ten_thousand_objects_are_no_quadratic_work(scheduled):
    """Each pass over a chain of 10,000 activities takes little time, even on a slow machine."""
    objects = [thing("Default", scheduleType="ondemand"), activity("a0")]
    if scheduled:
        objects = [thing("Default", schedule="s0"), activity("a0")]
        start = {"period": "1 day", "startAt": "FIRST_ACTIVATION_DATE_TIME"}
        objects += [thing(f"s{n}", "Schedule", **start) for n in range(100)]
    on = {n: {"schedule": f"s{n % 100}"} if scheduled else {} for n in range(10_000)}
    objects += [
        activity(f"a{n}", dependsOn=f"a{n - 1}", command="c", **on[n]) for n in range(1, 10_000)
    ]
    for work in (validate, lambda each: compiled(*each)):
        begun = time.process_time()
        work(objects)
        assert time.process_time() - begun < 3
