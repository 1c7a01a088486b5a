"""Every function of expressions, with the developer guide's examples."""

from __future__ import annotations

import pytest
from definitions import thing
from evaluating import problem, text

from coordinator.domain.expressions.functions import FUNCTIONS

GUIDE = {
    "day(myDateTime)": "24",
    "dayOfYear(myDateTime)": "144",
    "firstOfMonth(myDateTime)": "2011-05-01T17:10:00",
    "format(myDateTime,'YYYY-MM-dd HH:mm:ss z')": "2011-05-24 17:10:00 UTC",
    "hour(myDateTime)": "17",
    "inTimeZone(myDateTime,'America/Los_Angeles')": "2011-05-24T10:10:00",
    "makeDate(2011,5,24)": "2011-05-24T00:00:00",
    "makeDateTime(2011,5,24,14,21)": "2011-05-24T14:21:00",
    "midnight(myDateTime)": "2011-05-24T00:00:00",
    "minusDays(myDateTime,1)": "2011-05-23T17:10:00",
    "minusHours(myDateTime,1)": "2011-05-24T16:10:00",
    "minusMinutes(myDateTime,1)": "2011-05-24T17:09:00",
    "minusMonths(myDateTime,1)": "2011-04-24T17:10:00",
    "minusPeriod(myDateTime,'3 hours')": "2011-05-24T14:10:00",
    "minusWeeks(myDateTime,1)": "2011-05-17T17:10:00",
    "minusYears(myDateTime,1)": "2010-05-24T17:10:00",
    "minute(myDateTime)": "10",
    "month(myDateTime)": "5",
    "plusDays(myDateTime,1)": "2011-05-25T17:10:00",
    "plusHours(myDateTime,1)": "2011-05-24T18:10:00",
    "plusMinutes(myDateTime,1)": "2011-05-24T17:11:00",
    "plusMonths(myDateTime,1)": "2011-06-24T17:10:00",
    "plusPeriod(myDateTime,'1 day')": "2011-05-25T17:10:00",
    "plusWeeks(myDateTime,1)": "2011-05-31T17:10:00",
    "plusYears(myDateTime,1)": "2012-05-24T17:10:00",
    "sunday(myDateTime)": "2011-05-22T17:10:00",
    "year(myDateTime)": "2011",
    "yesterday(myDateTime)": "2011-05-23T17:10:00",
}


@pytest.mark.parametrize(("expression", "result"), GUIDE.items())
def test_a_function_gives_what_the_guide_shows(expression, result):
    """The guide's example of each function comes out, DateTimes printed in the one form."""
    assert text(f"#{{{expression}}}") == result


def test_every_function_has_an_example():
    """No function goes untested."""
    assert {expression.partition("(")[0] for expression in GUIDE} == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_advised_usage_of_a_function_works(name):
    """What a message says to write instead can be written."""
    assert text(f"#{{{FUNCTIONS[name].usage}}}")


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("plusMonths(makeDate(2012,1,31),1)", "2012-02-29T00:00:00"),
        ("minusMonths(makeDate(2011,3,31),1)", "2011-02-28T00:00:00"),
        ("plusYears(makeDate(2012,2,29),1)", "2013-02-28T00:00:00"),
        ("minusMonths(makeDate(2011,1,15),13)", "2009-12-15T00:00:00"),
        ("plusDays(makeDate(2011,12,31),-31)", "2011-11-30T00:00:00"),
        ("sunday(makeDate(2011,5,22))", "2011-05-22T00:00:00"),
        ("plusPeriod(makeDate(2011,1,31),'1 Month')", "2011-02-28T00:00:00"),
        ("plusPeriod(makeDate(2011,1,31), '2 weeks')", "2011-02-14T00:00:00"),
        ("minusPeriod(makeDate(2011,1,31), '15 minutes')", "2011-01-30T23:45:00"),
        ("minusPeriod(makeDate(2011,1,31), '2 years')", "2009-01-31T00:00:00"),
        ("plusDays(myDateTime, '2')", "2011-05-26T17:10:00"),
        ("day('2011-05-24T17:10:00Z')", "24"),
        ("inTimeZone(makeDate(2011,5,24), '+05:30')", "2011-05-24T05:30:00"),
        ("inTimeZone(makeDate(2011,5,24), '-02:00').hour()", "22"),
    ],
)
def test_dates_follow_the_calendar(expression, result):
    """Months end with their last day, and amounts may be negative or texts."""
    assert text(f"#{{{expression}}}") == result


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("plusDays(d, 1)", "2021-03-14T03:30:00"),
        ("plusHours(d, 24)", "2021-03-14T03:30:00"),
        ("plusHours(plusHours(d, 23), 1)", "2021-03-14T03:30:00"),
        ("plusDays(d, 2)", "2021-03-15T02:30:00"),
        ("midnight(plusDays(d, 2))", "2021-03-15T00:00:00"),
        ("inTimeZone(midnight(plusDays(d, 2)), 'UTC')", "2021-03-15T07:00:00"),
    ],
)
def test_a_time_that_the_clocks_skip_moves_on(call, result):
    """On 14 March 2021 Los Angeles had no 2:30; days keep the time of the day, hours do not."""
    local = "inTimeZone(makeDateTime(2021,3,13,10,30), 'America/Los_Angeles')"
    assert text(f"#{{{call.replace('d,', local + ',')}}}") == result


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("fromat(myDateTime, 'y')", "there is no function 'fromat': did you mean 'format'?"),
        ("Day(myDateTime)", "there is no function 'Day': did you mean 'day'?"),
        ("day()", "'day' takes one value, not 0: write day(@scheduledStartTime)"),
        (
            "plusDays(myDateTime)",
            "'plusDays' takes 2 values, not 1: write plusDays(@scheduledStartTime, 1)",
        ),
        (
            "day('yesterday')",
            (
                "a text is not a DateTime: it must be one such as 2011-05-24T17:10:00; "
                "write day(@scheduledStartTime)"
            ),
        ),
        (
            "day('2011-02-30T00:00:00')",
            "the text is a date or time that no calendar has; write day(@scheduledStartTime)",
        ),
        (
            "plusDays(myDateTime, 1.5)",
            (
                "a number with a fraction stands where a whole number is needed; "
                "write plusDays(@scheduledStartTime, 1)"
            ),
        ),
        (
            "plusDays(myDateTime, myDateTime)",
            (
                "the text is not a number: write one such as 3 or 0.5; "
                "write plusDays(@scheduledStartTime, 1)"
            ),
        ),
        ("plusDays(myDateTime, 9999999)", "the DateTime lies outside the years 1 to 9999"),
        (
            f"plusDays(myDateTime, {2**63 - 1})",
            "the DateTime lies outside the years 1 to 9999",
        ),
        ("plusYears(myDateTime, 9000)", "the DateTime lies outside the years 1 to 9999"),
        ("minusHours(makeDate(1,1,1), 1)", "the DateTime lies outside the years 1 to 9999"),
        (
            "minusDays(inTimeZone(makeDateTime(1,1,1,23,0), '+05:00'), 1)",
            "the DateTime lies outside the years 1 to 9999",
        ),
        (
            "inTimeZone(makeDate(1,1,1), '-02:00')",
            "the DateTime lies outside the years 1 to 9999",
        ),
        (
            "makeDate(2011,2,29)",
            "there is no such date: the year must be 1 to 9999, then come month, day, hour, minute",
        ),
        (
            "plusPeriod(myDateTime, 'a day')",
            (
                "a period must be a number of minutes, hours, days, weeks, months or years, "
                "such as '1 day'"
            ),
        ),
    ],
)
def test_a_wrong_call_says_what_to_write(expression, sentence):
    """A message says in plain words what is wrong, and where."""
    assert problem(f"#{{{expression}}}") == f"at character 3: {sentence}"


def test_an_unlike_name_is_answered_with_all_names():
    """Where no function has a like name, all are listed."""
    assert "there are day, dayOfYear," in problem("#{xyzzy()}")


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../passwd", "America", "x" * 65, "a\0b"])
def test_an_unknown_time_zone_is_refused(zone):
    """Only ids of time zones and offsets are taken."""
    objects = thing("a", myZone=zone)
    sentence = "there is no such time zone: write one such as 'America/Los_Angeles' or 'UTC'"
    found = problem("#{inTimeZone(@scheduledStartTime, myZone)}", objects)
    assert found == f"at character 3: {sentence}"
