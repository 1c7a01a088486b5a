"""What may change in a definition that was activated."""

from __future__ import annotations

import pytest
from definitions import activity, thing

from coordinator.domain.validation import validate

NODES = [
    thing("d", "S3DataNode", filePath="s3://b/d"),
    thing("e", "S3DataNode", filePath="s3://b/e"),
]
ACTIVE = [
    thing("Default", scheduleType="ondemand"),
    activity("a", input=["d", "e"], my_note="=x"),
    thing("s", "Schedule", period="1 Day", startDateTime="2026-01-31T08:00:00"),
    *NODES,
]


def edited(*objects, without=""):
    """The activated objects with some replaced, added, or left out."""
    kept = {item.id: item for item in ACTIVE if item.id != without}
    return list((kept | {item.id: item for item in objects}).values())


def schedule(**fields):
    """The activated Schedule with other fields; None leaves one out."""
    given = {"period": "1 Day", "startDateTime": "2026-01-31T08:00:00"} | fields
    return thing("s", "Schedule", **{k: v for k, v in given.items() if v is not None})


@pytest.mark.parametrize(
    ("objects", "errors"),
    [
        (edited(), {}),
        (edited(activity("a", input=["e", "d"], command="false", retryDelay="1 day")), {}),
        (edited(activity("b", input="d", dependsOn="a", output="f"), thing("f", "CSV")), {}),
        (edited(schedule(period="1 days", endDateTime="2027-01-31T08:00:00")), {}),
        (
            edited(without="s"),
            {"s": ["The object was activated and cannot be removed: put it back."]},
        ),
        (
            edited(activity("a", input="d")),
            {
                "a": [
                    (
                        "The reference 'input' was activated and cannot change: "
                        "it led to 'd', 'e', and would lead to 'd'."
                    )
                ]
            },
        ),
        (
            edited(activity("a", input=["d", "e"], output="d")),
            {
                "a": [
                    (
                        "The reference 'output' was activated and cannot change: "
                        "it led to nothing, and would lead to 'd'."
                    )
                ]
            },
        ),
        (
            edited(schedule(period="1 week")),
            {"s": ["'period' was activated and cannot change: use a new Schedule."]},
        ),
        (
            edited(schedule(startDateTime="2026-02-01T08:00:00")),
            {
                "s": [
                    (
                        "'startDateTime' was activated and cannot change: "
                        "activate the pipeline with a start time instead."
                    )
                ]
            },
        ),
        (
            edited(activity("b", output="d")),
            {
                "b": [
                    (
                        "'output' of a new object refers to 'd', "
                        "which was activated before it: use a new object."
                    )
                ]
            },
        ),
    ],
)
def test_edits_of_an_activated_definition(objects, errors):
    """What earlier runs are bound to stays; new objects and plain values may come."""
    assert validate(objects, active=ACTIVE).errors == errors


def test_before_the_first_activation_everything_may_change():
    """Only what was activated is held on to."""
    assert validate(edited(without="s"), active=None).errors == {}
    assert validate(edited(without="s"), active=[]).errors == {}
