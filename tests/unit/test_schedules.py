"""When the intervals of a schedule begin, and which overlap."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coordinator.domain.schedules import (
    Schedule,
    interval_at,
    interval_count,
    interval_start,
    most_overlapping,
    normalised,
    overlapping,
)
from coordinator.domain.times import iso
from coordinator.domain.values import Period, parse_period

DAY = 86_400
# 1990 to 2060
STARTS = st.integers(631_152_000, 2_840_140_800).map(lambda second: second * 1000)
NUMBERS = st.integers(0, 60)


def schedule(number=1, unit="second", **more):
    """A schedule with a period of `number` of `unit`."""
    return Schedule("timeseries/s", "timeseries", more.pop("start_ms", None), number, unit, **more)


def at(text):
    """A time in ms since the epoch."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def later(start_ms, months):
    """So many months later, found one month after another."""
    start = datetime.fromtimestamp(start_ms // 1000, UTC)
    year, month = start.year, start.month
    for _ in range(months):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp()) * 1000


SCHEDULES = st.one_of(
    st.builds(schedule, st.integers(1, 40 * DAY), st.just("second")),
    st.builds(schedule, st.integers(1, 36), st.just("month")),
)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("1 second", (1, "second")),
        ("90 Seconds", (90, "second")),
        ("15 minutes", (900, "second")),
        ("2 weeks", (1_209_600, "second")),
        ("7 days", (604_800, "second")),
        ("1 month", (1, "month")),
        ("3 years", (36, "month")),
    ],
)
def test_periods_are_seconds_or_months(text, period):
    """A week is seven days, a year twelve months; a month is as long as the calendar has it."""
    assert normalised(parse_period(text)) == period


@pytest.mark.parametrize("text", ["0 seconds", "94867201 seconds", "1 fortnight", "second"])
def test_a_period_is_from_a_second_to_three_years(text):
    """The longest of seconds is three years of 366 days."""
    assert parse_period("94867200 seconds") == Period(94_867_200, "second")
    with pytest.raises(ValueError, match="must be"):
        parse_period(text)


@pytest.mark.parametrize(
    ("start", "months", "k", "begins"),
    [
        ("2024-01-31T08:00:00", 1, 1, "2024-02-29T08:00:00"),
        ("2024-01-31T08:00:00", 1, 2, "2024-03-31T08:00:00"),
        ("2023-01-30T00:00:00", 1, 1, "2023-02-28T00:00:00"),
        ("2024-02-29T23:59:59", 12, 1, "2025-02-28T23:59:59"),
        ("2024-02-29T23:59:59", 12, 4, "2028-02-29T23:59:59"),
        ("1969-12-31T00:00:00", 1, 2, "1970-02-28T00:00:00"),
    ],
)
def test_a_month_that_is_too_short_ends_on_its_last_day(start, months, k, begins):
    """The day of the first start counts again as soon as a month has it."""
    assert iso(interval_start(schedule(months, "month"), k, at(start))) == begins


@given(STARTS, st.integers(1, 36), st.integers(0, 40))
def test_months_are_counted_on_the_calendar(start_ms, number, k):
    """The start of an interval is the date so many months after the first."""
    assert interval_start(schedule(number, "month"), k, start_ms) == later(start_ms, k * number)


@given(STARTS, st.integers(1, 40 * DAY), NUMBERS)
def test_seconds_are_counted_evenly(start_ms, number, k):
    """All other periods have one length."""
    begins = datetime.fromtimestamp(start_ms / 1000, UTC) + timedelta(seconds=number * k)
    found = interval_start(schedule(number), k, start_ms)
    assert datetime.fromtimestamp(found / 1000, UTC) == begins


@given(SCHEDULES, STARTS, NUMBERS, st.data())
def test_every_time_lies_in_one_interval(one, start_ms, k, data):
    """The interval found of a time begins at or before it and ends after it."""
    begins, ends = (interval_start(one, n, start_ms) for n in (k, k + 1))
    at_ms = data.draw(st.integers(begins, ends - 1))
    assert interval_at(one, at_ms, start_ms) == k
    assert interval_at(one, start_ms - 1, start_ms) == -1


@given(SCHEDULES, STARTS, st.integers(0, 400 * DAY), st.none() | st.integers(1, 50))
def test_an_end_counts_like_the_intervals_that_begin_before_it(one, start_ms, span, occurrences):
    """Those that begin before the end, and no more than there are occurrences."""
    end_ms = start_ms + span * 1000
    ended = schedule(one.number, one.unit, end_ms=end_ms, occurrences=occurrences)
    count = interval_count(ended, start_ms)
    assert count <= (occurrences or count)
    if count != occurrences:
        assert interval_start(one, count, start_ms) >= end_ms
    if count:
        assert interval_start(one, count - 1, start_ms) < end_ms


def test_without_an_end_there_are_intervals_for_ever():
    """Neither an end nor occurrences bound them."""
    assert interval_count(schedule(), 0) is None


@given(SCHEDULES, STARTS, NUMBERS, SCHEDULES, STARTS, st.none() | st.integers(1, 30))
def test_the_overlapping_intervals_are_those_that_share_a_moment(
    one, start_ms, k, other, other_start_ms, occurrences
):
    """As one by one each of them is looked at."""
    other = schedule(other.number, other.unit, occurrences=occurrences)
    begins, ends = (interval_start(one, n, start_ms) for n in (k, k + 1))
    shortest = other.number if other.unit == "second" else other.number * 28 * DAY
    assume(ends - begins < 300_000 * shortest)
    found = overlapping(one, k, start_ms, other, other_start_ms)
    near = interval_at(other, begins, other_start_ms)
    looked_at = range(max(0, near - 2), max(0, near) + len(found) + 3)
    assert list(found) == [
        n
        for n in looked_at
        if interval_start(other, n, other_start_ms) < ends
        and interval_start(other, n + 1, other_start_ms) > begins
        and n < (occurrences or n + 1)
    ]


@given(
    st.integers(1, 50), st.integers(1, 50), st.integers(0, 99), st.integers(0, 99), st.booleans()
)
def test_the_most_that_overlap_of_even_periods_is_exact(length, other_length, start, shift, known):
    """With both starts known no interval has more, and one has as many."""
    starts = (start * 1000, shift * 1000)
    one = schedule(length, start_ms=starts[0] if known else None)
    other = schedule(other_length, start_ms=starts[1])
    most = most_overlapping(one, other)
    if not known:
        assert most == (other_length + length - 2) // other_length + 1
        return
    rounds = range(200, 200 + other_length)  # later than the other's first start
    assert most == max(len(overlapping(one, k, starts[0], other, starts[1])) for k in rounds)


@given(SCHEDULES, STARTS, SCHEDULES, STARTS, st.integers(0, 100))
def test_no_interval_overlaps_more_than_the_most(one, start_ms, other, other_start_ms, k):
    """Whether starts are known or not, and with months of all lengths."""
    found = len(overlapping(one, k, start_ms, other, other_start_ms))
    known = schedule(one.number, one.unit, start_ms=start_ms)
    other_known = schedule(other.number, other.unit, start_ms=other_start_ms)
    assert found <= most_overlapping(known, other_known)
    assert found <= most_overlapping(known, other)
    assert found <= most_overlapping(one, other_known)
    together = len(overlapping(one, k, start_ms, other, start_ms))
    assert together <= most_overlapping(one, other)


@pytest.mark.parametrize("months", range(1, 37))
def test_the_longest_stretch_of_months_is_found_wherever_it_begins(months):
    """In seconds, one schedule of which overlaps each moment."""
    starts = [at(f"2000-{month:02}-{day:02}T00:00:00") for month in range(1, 13) for day in (1, 28)]
    starts += [
        at(f"{year}-01-{day}T00:00:00") for year in range(2000, 2004) for day in (29, 30, 31)
    ]
    one, seconds = schedule(months, "month"), schedule(1)
    lengths = [
        interval_start(one, k + 1, start) - interval_start(one, k, start)
        for start in starts
        for k in range(48)
    ]
    assert most_overlapping(one, seconds) == max(lengths) // 1000
    assert most_overlapping(seconds, one) == 1


def test_the_most_that_overlap_are_no_more_than_there_are():
    """A schedule that occurs thrice has three intervals to wait for."""
    assert most_overlapping(schedule(DAY), schedule(60, occurrences=3)) == 3
    assert most_overlapping(schedule(DAY), schedule(60)) == 1440


def test_a_schedule_at_the_end_of_time_breaks_nothing():
    """The year 10,000 has no datetime, and is not needed."""
    start_ms = at("9999-12-31T23:59:59")
    one = schedule(36, "month")
    assert interval_at(one, interval_start(one, 5, start_ms), start_ms) == 5
