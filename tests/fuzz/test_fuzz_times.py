"""Durations, periods, times and the intervals of schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fuzzed import fuzzed
from hypothesis import strategies as st
from wire_values import edited

from coordinator.domain.durations import MAX_DURATION_MS, parse_duration
from coordinator.domain.schedules import (
    Schedule,
    interval_at,
    interval_count,
    interval_start,
    most_overlapping,
    normalised,
    overlapping,
)
from coordinator.domain.times import iso, parse_time
from coordinator.domain.values import (
    Period,
    parse_boolean,
    parse_double,
    parse_integer,
    parse_period,
    parse_positive,
)

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
UNIT = st.sampled_from([*UNITS, "month", "year"])
PARSERS = (
    parse_duration,
    parse_period,
    parse_time,
    parse_boolean,
    parse_double,
    parse_integer,
    parse_positive,
)
FORMS = st.sampled_from(
    [*("15 minutes", "1 month", "2026-01-31T08:00:00", "true", "0.25", "-7", "ONDEMAND_PERIOD")]
).map(str.encode)
ODD = st.sampled_from(
    ["\u0661", "\xb2", "_", "e9", "nan", "inf", "+", "\x1c", "Z", "\u017f", " ", "9" * 30]
)
TEXTS = st.text(max_size=40) | edited(FORMS, ODD.map(str.encode)).map(
    lambda data: data.decode(errors="ignore")
)
# What schedules are made of: whole seconds between 1970 and 2100.
STARTS = st.integers(0, 4_102_444_800).map((1000).__mul__)
PERIODS = st.one_of(
    st.builds(Period, st.integers(1, 3 * 366), st.sampled_from(["day", "hour", "minute"])),
    st.builds(Period, st.integers(1, 36), st.just("month")),
    st.builds(Period, st.integers(1, 3), st.just("year")),
)


@st.composite
def schedules(draw):
    """A schedule with a start, and perhaps an end or a number of runs."""
    number, unit = normalised(draw(PERIODS))
    start = draw(STARTS)
    end = draw(st.none() | st.integers(1, 10**9).map(lambda s: start + s * 1000))
    occurrences = draw(st.none() | st.integers(1, 10_000))
    return Schedule("cron/s", "cron", start, number, unit, end, occurrences)


@fuzzed(TEXTS)
def test_any_text_is_a_value_or_no_value(text):
    """A ValueError whose sentence goes on after the field's name, and nothing else."""
    for parse in PARSERS:
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith("must "), (parse, error)


def test_a_whole_number_may_stand_between_blanks():
    """Of every kind, also those that `int` takes for something else."""
    assert parse_integer(" \x1c-7\x1c") == -7
    assert parse_positive("7\x1f\x85") == 7


@fuzzed(st.integers(0, 10**12 - 1), UNIT, st.sampled_from(["", "s", "S"]), st.booleans())
def test_a_duration_is_so_many_of_its_unit(number, unit, plural, shout):
    """Up to three years; months have no fixed length."""
    text = f" {number} {unit.upper() if shout else unit}{plural}"
    try:
        found = parse_duration(text)
    except ValueError:
        assert unit not in UNITS or number * UNITS[unit] * 1000 > MAX_DURATION_MS
    else:
        assert found == number * UNITS[unit] * 1000


@fuzzed(st.integers(0, 253_402_300_799))
def test_a_time_is_written_and_read(second):
    """The whole range of the wire."""
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    assert parse_time(iso(second * 1000)) == when


@fuzzed(schedules(), st.integers(0, 5000), st.integers(0, 10**9))
def test_intervals_follow_one_another(schedule, k, later):
    """Each moment is in the interval that it is said to be in, and none is empty."""
    start = schedule.start_ms
    begins, ends = (interval_start(schedule, n, start) for n in (k, k + 1))
    assert begins < ends
    assert interval_at(schedule, begins, start) == k
    assert interval_at(schedule, ends - 1, start) == k
    at = start + later * 1000
    found = interval_at(schedule, at, start)
    assert interval_start(schedule, found, start) <= at < interval_start(schedule, found + 1, start)


@fuzzed(schedules())
def test_the_last_interval_begins_before_the_end(schedule):
    """And one more would not."""
    count = interval_count(schedule, schedule.start_ms)
    assert (count is None) == (schedule.end_ms is None and schedule.occurrences is None)
    if count and schedule.end_ms is not None:
        assert interval_start(schedule, count - 1, schedule.start_ms) < schedule.end_ms
        beyond = interval_start(schedule, count, schedule.start_ms) >= schedule.end_ms
        assert beyond or count == schedule.occurrences


@fuzzed(schedules(), schedules(), st.integers(0, 200))
def test_what_overlaps_is_bounded_by_what_was_promised(schedule, other, k):
    """No interval waits for more of another schedule than validation counted."""
    found = overlapping(schedule, k, schedule.start_ms, other, other.start_ms)
    assert len(found) <= most_overlapping(schedule, other)
