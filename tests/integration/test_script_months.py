"""Schedules by months and years in the store: on the calendar, however long its months are."""

from __future__ import annotations

import pytest
from schedules import at, every, on
from seeds import ACCOUNT, Bench


async def test_months(bench: Bench) -> None:
    """Months are those of the calendar: from a 31st to the last day of each."""
    start = at("2024-01-31T08:30:00")
    schedule = every(1, start_ms=start, unit="month", occurrences=5)
    pipeline = await bench.schedule([on()], schedule)
    days = ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]
    assert await bench.ids(pipeline) == [f"@Work_{day}T08:30:00" for day in days]


async def test_years(bench: Bench) -> None:
    """A year from a leap day ends on the last day of February, but for the next leap year."""
    start = at("2000-02-29T08:30:00")
    schedule = every(12, start_ms=start, unit="month", occurrences=5)
    pipeline = await bench.schedule([on()], schedule)
    days = ["2000-02-29", "2001-02-28", "2002-02-28", "2003-02-28", "2004-02-29"]
    assert await bench.ids(pipeline) == [f"@Work_{day}T08:30:00" for day in days]


@pytest.mark.parametrize(("end", "count"), [("03-31T08:30:00", 14), ("03-31T08:30:01", 15)])
async def test_an_end_within_a_month(bench: Bench, end: str, count: int) -> None:
    """The interval of the month in which the schedule ends is run if it begins before the end."""
    schedule = every(
        1, start_ms=at("2022-01-31T08:30:00"), unit="month", window=99, end_ms=at(f"2023-{end}")
    )
    pipeline = await bench.schedule([on()], schedule)
    assert len(await bench.ids(pipeline)) == count


async def test_from_a_day_within_a_month(bench: Bench) -> None:
    """Of a time to go on from the first interval is the one that begins then, or next."""
    schedule = every(1, start_ms=at("2022-01-31T08:30:00"), unit="month", window=1)
    for start in ("2023-03-01T00:00:00", "2023-03-31T08:30:00"):
        pipeline = await bench.schedule([on()], schedule, start_ms=at(start))
        assert (await bench.claim()).instance_id == "@Work_2023-03-31T08:30:00"
        await bench.delete(pipeline)


@pytest.mark.parametrize("day", ["2099-12-31", "2100-03-01", "2104-02-29", "2400-02-29"])
async def test_days_of_later_centuries(bench: Bench, day: str) -> None:
    """The calendar is right for as long as schedules may go on."""
    start = at(f"{day}T08:30:00")
    pipeline = await bench.schedule([on()], every(1, start_ms=start, unit="month"))
    stored = await bench.pipelines.read(ACCOUNT, pipeline)
    assert stored.pipeline["next_run_ms"] == str(start)
