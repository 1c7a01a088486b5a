"""Patterns of Joda-Time, letter by letter."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from coordinator.domain.expressions.joda import format_date

DATE = datetime(2011, 5, 4, 17, 8, 9, 45_999, tzinfo=UTC)
PATTERNS = {
    "G": "AD",
    "C": "20",
    "CCC": "020",
    "Y": "2011",
    "YY": "11",
    "YYYY": "2011",
    "YYYYY": "02011",
    "x": "2011",
    "xx": "11",
    "w": "18",
    "www": "018",
    "e": "3",
    "ee": "03",
    "E": "Wed",
    "EEE": "Wed",
    "EEEE": "Wednesday",
    "y": "2011",
    "yy": "11",
    "yyyy": "2011",
    "D": "124",
    "DDDD": "0124",
    "M": "5",
    "MM": "05",
    "MMM": "May",
    "MMMM": "May",
    "d": "4",
    "dd": "04",
    "a": "PM",
    "K": "5",
    "KK": "05",
    "h": "5",
    "hh": "05",
    "H": "17",
    "HH": "17",
    "k": "17",
    "kk": "17",
    "m": "8",
    "mm": "08",
    "s": "9",
    "ss": "09",
    "S": "0",
    "SS": "04",
    "SSS": "045",
    "SSSSS": "04500",
    "z": "UTC",
    "zzzz": "Coordinated Universal Time",
    "Z": "+0000",
    "ZZ": "+00:00",
    "ZZZ": "UTC",
    "": "",
    "yyyy-MM-dd'T'HH:mm:ss": "2011-05-04T17:08:09",
    "YYYY/MM/dd_HHmm": "2011/05/04_1708",
    "h 'o''clock' a": "5 o'clock PM",
    "yy''MM": "11'05",
    "'all quoted'": "all quoted",
    "é☃ d": "é☃ 4",
}


@pytest.mark.parametrize(("pattern", "printed"), PATTERNS.items())
def test_a_pattern_prints(pattern, printed):
    """Each letter prints its part of the date, as wide as it is repeated."""
    assert format_date(DATE, pattern) == printed


@pytest.mark.parametrize(
    ("hour", "printed"),
    [(0, "AM 00 12 0 24"), (1, "AM 01 1 1 1"), (12, "PM 12 12 0 12"), (23, "PM 23 11 11 23")],
)
def test_the_four_ways_to_count_hours(hour, printed):
    """Midnight is 0, 12, 0 or 24; noon is 12, 12, 0 or 12."""
    assert format_date(DATE.replace(hour=hour), "a HH h K k") == printed


@pytest.mark.parametrize(
    ("date", "printed"),
    [
        (datetime(2011, 1, 1, tzinfo=UTC), "2010-52-6 10 Jan January"),
        (datetime(2012, 12, 31, tzinfo=UTC), "2013-1-1 13 Dec December"),
        (datetime(850, 9, 2, tzinfo=UTC), "850-35-5 50 Sep September"),
    ],
)
def test_weeks_and_months_at_their_borders(date, printed):
    """A week belongs to the year of most of its days."""
    assert format_date(date, "x-w-e xx MMM MMMM") == printed


def test_a_zone_is_printed_by_name_offset_and_id():
    """The short name follows the clocks; for the long one, the id stands."""
    pattern = "z zzzz Z ZZ ZZZ"
    zone = ZoneInfo("America/Los_Angeles")
    summer = DATE.astimezone(zone)
    winter = DATE.replace(month=1).astimezone(zone)
    shared = "America/Los_Angeles"
    assert format_date(summer, pattern) == f"PDT {shared} -0700 -07:00 {shared}"
    assert format_date(winter, pattern) == f"PST {shared} -0800 -08:00 {shared}"


@pytest.mark.parametrize("letter", sorted(set("ABFIJLNOPQRTUVWXbcfgijlnopqrtuv")))
def test_every_other_letter_is_refused(letter):
    """A letter that Joda-Time does not know is not printed as it stands."""
    with pytest.raises(ValueError, match=f"letter '{letter}' means nothing"):
        format_date(DATE, f"yyyy{letter}MM")


@pytest.mark.parametrize("pattern", ["'", "yyyy'T", "''' ", "y'a''"])
def test_an_open_quote_is_refused(pattern):
    """A quote must be closed."""
    with pytest.raises(ValueError, match="a quote that is not closed"):
        format_date(DATE, pattern)
