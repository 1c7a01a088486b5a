"""Whatever validates can be compiled."""

from __future__ import annotations

from definitions import REFERENCES, compiled
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.timetable import compile_schedules
from coordinator.domain.validation import validate
from coordinator.domain.view import DefinitionView

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
