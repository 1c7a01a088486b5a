"""What is said of schedules that begin long ago, and of alarms that nobody hears."""

from __future__ import annotations

import pytest
from definitions import ALARM, START_MS, activity, every, thing

from coordinator.domain.schedules import Schedule
from coordinator.domain.site_rules import DAY_MS, Site, check_backfill, is_backfill
from coordinator.domain.validation import validate
from coordinator.errors import InvalidRequestError


def warned(*objects, days=2, **more):
    """The warnings of a site, so many days after the start."""
    active = more.pop("active", None)
    site = Site(START_MS + days * DAY_MS + 1, **more)
    return validate(objects, active=active, site=site).warnings


BACKFILL = (
    "The schedule begins at 2026-01-31T08:00:00, more than a day ago: every interval since then "
    "will be run"
)


def test_a_backfill_is_a_warning_before_the_first_activation():
    """Not within a day, not where it is of no interest, not of what nothing runs on."""
    objects = [every("s"), every("unused"), activity("a", schedule="s")]
    assert warned(*objects) == {"s": [f"{BACKFILL}."]}
    refused = warned(*objects, backfill_guard="refuse")
    assert refused == {"s": [f"{BACKFILL}, and the first activation is refused."]}
    assert warned(*objects, days=1) == {"s": [f"{BACKFILL}."]}
    assert warned(*objects, days=0.999) == {}
    assert warned(*objects, backfill_guard="off") == {}
    assert warned(*objects, active=objects) == {}
    assert validate(objects).warnings == {}


def test_a_cascade_through_a_backfill_is_warned_of_in_the_words_of_the_guide():
    """The documented sentence, with the object and the start."""
    objects = [every("s"), activity("a", schedule="s"), activity("b", schedule="s")]
    objects[1] = activity("a", schedule="s", failureAndRerunMode="CASCADE")
    assert warned(*objects)["a"] == [
        (
            "a has 'failureAndRerunMode' field set to 'cascade' and you are about to create a "
            "backfill with scheduleStartTime 2026-01-31T08:00:00. This can result in rapid "
            "creation of pipeline objects in case of failures."
        )
    ]
    assert set(warned(*objects)) == {"s", "a"}


@pytest.mark.parametrize(
    ("topic", "url", "heard"),
    [
        ("arn:aws:sns:eu-west-1:1:t", "", False),
        ("arn:aws:sns:eu-west-1:1:t", "https://hooks.example", True),
        ("HTTPS://hooks.example", "", True),
        ("http://hooks.example", "", True),
        ("#{myTopic}", "", True),
    ],
)
def test_an_alarm_that_is_only_logged_is_a_warning(topic, url, heard):
    """A URL of its own, or that of the setting, is where it goes."""
    alarm = thing("m", "SnsAlarm", topicArn=topic, **ALARM)
    said = warned(activity("a", onFail="m"), alarm, alarm_url=url).get("m", [])
    assert any("COORDINATOR_ALARM_URL" in sentence for sentence in said) != heard


def scheduled(start_ms):
    """A schedule that begins then."""
    return Schedule("cron/s", "cron", start_ms, 1, "month")


@pytest.mark.parametrize(
    ("start_ms", "from_ms", "guard", "refused"),
    [
        (START_MS, None, "refuse", True),
        (START_MS, None, "warn", False),
        (START_MS, None, "off", False),
        (None, None, "refuse", False),
        (START_MS + DAY_MS, None, "refuse", False),
        (START_MS, START_MS + DAY_MS, "refuse", False),
        (START_MS, START_MS - DAY_MS, "refuse", True),
    ],
)
def test_the_guard_refuses_what_begins_more_than_a_day_ago(start_ms, from_ms, guard, refused):
    """Unless the activation gives a later time to go on from."""
    site = Site(START_MS + DAY_MS + 1000, guard)
    if not refused:
        check_backfill([scheduled(None), scheduled(start_ms)], site, from_ms)
        return
    with pytest.raises(InvalidRequestError, match="'s' begins at 2026-01-31T08:00:00, more than"):
        check_backfill([scheduled(None), scheduled(start_ms)], site, from_ms)


def test_a_backfill_is_of_more_than_a_day():
    """A day to the millisecond is none."""
    assert not is_backfill(0, DAY_MS)
    assert is_backfill(0, DAY_MS + 1)
