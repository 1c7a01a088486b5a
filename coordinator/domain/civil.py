"""Days and months of the proleptic Gregorian calendar without the bounds that `datetime` has.

A schedule that begins in the year 9999 is of no use, but must break nothing.
`lua/lib/civil_days.lua` has the same arithmetic: years of 400-year eras that begin on 1 March, so
that the leap day is last.
"""

from __future__ import annotations

DAYS_OF_ERA = 146_097
EPOCH = 719_468  # the first of January 1970, counted from 1 March of the year 0
YEAR_MONTHS = 12
MARCH = 3


def civil_date(day: int) -> tuple[int, int]:
    """The month, counted from the year 0, and the day of the month of a day since the epoch."""
    era, of_era = divmod(day + EPOCH, DAYS_OF_ERA)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153  # from March
    return (era * 400 + year) * YEAR_MONTHS + MARCH - 1 + month, of_year - (
        153 * month + 2
    ) // 5 + 1


def first_day(month: int) -> int:
    """The first day, since the epoch, of a month that is counted from the year 0."""
    year, from_march = divmod(month - (MARCH - 1), YEAR_MONTHS)
    leap_days = year // 4 - year // 100 + year // 400
    return year * 365 + leap_days + (153 * from_march + 2) // 5 - EPOCH
