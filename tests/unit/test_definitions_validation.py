"""What validation finds in a definition."""

from __future__ import annotations

import time

import pytest
from definitions import REFERENCES, activity, thing
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.components import compile_components
from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.timetable import compile_schedules
from coordinator.domain.validation import MAX_MESSAGE, validate
from coordinator.domain.view import DefinitionView

HOURLY = thing("s", "Schedule", period="1 hour", startDateTime="2026-01-31T08:00:00")
CIRCLE = "The activity waits for itself, in a circle: 'b' → 'c' (dependsOn) → 'b' (dependsOn)."


def compiled(*objects, **settings):
    """The components of `objects`."""
    defaults = {"maximum_retries": 2, "retry_delay_ms": 600_000, "resource_groups": {}}
    return compile_components(objects, **defaults | settings)


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


SCHEDULING = ["Schedule", "Exists", "SnsAlarm", "S3DataNode", "cron", "ondemand", "OursActivity"]
SCHEDULING += [
    "FIRST_ACTIVATION_DATE_TIME",
    "ONDEMAND_PERIOD",
    "2026-01-31T08:00:00",
    "CheckOfOurs",
]
IDS = st.sampled_from(["Default", "a", "b", "c", "missing"])
FIELDS = st.one_of(
    st.builds(Field, st.sampled_from([*REFERENCES, "x"]), st.none(), IDS),
    st.builds(
        Field,
        st.sampled_from(
            [
                *("type", "workerGroup", "maximumRetries", "retryDelay", "scheduleType"),
                *("period", "startAt", "startDateTime", "endDateTime", "occurrences"),
                *("preconditionTimeout", "lateAfterTimeout", "maxActiveInstances", *REFERENCES),
            ]
        ),
        st.sampled_from(["CopyActivity", "Ec2Resource", "1", "1 day", "x", *SCHEDULING]),
    ),
)
OBJECTS = st.lists(
    st.builds(PipelineObject, IDS, st.just("n"), st.lists(FIELDS, max_size=6).map(tuple)),
    unique_by=lambda item: item.id,
)


@given(OBJECTS)
def test_whatever_validates_compiles(objects):
    """Validation never fails, and a definition without errors always has components."""
    if not validate(objects).errors:
        components = compiled(*objects)
        assert all(c.worker_group for c in components)
        assert all(0 <= n < len(components) for c in components for n in c.depends_on)
        assert_scheduled(components, compile_schedules(DefinitionView(objects), components, 5))


def assert_scheduled(components, schedules):
    """All of the components are on schedules, or none is; the stretches follow one another."""
    assert sum(each.count for each in schedules) in {0, len(components)}
    for each in schedules:
        assert {c.schedule for c in components[each.offset : each.offset + each.count]} == {
            each.name
        }
        assert each.style in {"cron", "timeseries"}
    assert len({each.name for each in schedules}) == len(schedules)
    assert len({c.id for c in components}) == len(components)
    for position, each in enumerate(components):
        assert set(each.checks) <= set(each.depends_on)
        assert all(n < position and components[n].precondition for n in each.checks)


SCHEDULED = [
    PipelineObject("Default", "n", (Field("schedule", ref_value="s"), Field("workerGroup", "g"))),
    PipelineObject(
        "s",
        "n",
        (
            Field("type", "Schedule"),
            Field("period", "1 day"),
            Field("startAt", "FIRST_ACTIVATION_DATE_TIME"),
        ),
    ),
    PipelineObject("p", "n", (Field("type", "CheckOfOurs"),)),
]
LINKS = st.sampled_from(["input", "output", "precondition", "dependsOn", "schedule", "runsOn"])
TARGETS = st.sampled_from(["a", "b", "d", "p", "s", "t"])
LINKED = st.lists(st.builds(Field, LINKS, st.none(), TARGETS), max_size=3)
TYPED = [
    ("a", "OursActivity"),
    ("b", "OursActivity"),
    ("d", "DataOfOurs"),
    ("t", "Schedule"),
    ("p", "CheckOfOurs"),
]


@given(st.lists(LINKED, min_size=len(TYPED), max_size=len(TYPED)), st.sampled_from(["", "cron"]))
def test_whatever_validates_on_a_schedule_compiles(links, style):
    """Objects of types that nobody knows may refer to one another in any way."""
    objects = {item.id: item for item in SCHEDULED}
    for (name, kind), fields in zip(TYPED, links, strict=True):
        timed = SCHEDULED[1].fields[1:] if kind == "Schedule" else ()
        own = (Field("type", kind), *timed, *fields)
        own += (Field("scheduleType", style),) if style and name == "b" else ()
        objects[name] = PipelineObject(name, "n", own)
    found = list(objects.values())
    if not validate(found).errors:
        components = compiled(*found)
        assert components
        assert_scheduled(components, compile_schedules(DefinitionView(found), components, 5))
