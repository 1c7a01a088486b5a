"""Durations as definitions write them: ``10 minutes``.

Source of the form and of the longest period: the developer guide's page on the Schedule object. A
month or a year has no fixed length, so neither can be a timeout.
"""

from __future__ import annotations

import re

MAX_DURATION_MS = 3 * 366 * 86_400_000

_UNITS_MS = {
    "second": 1000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}
_FORM = re.compile(r"\s*([0-9]{1,12})\s+([a-z]+?)s?\s*", re.IGNORECASE)


def parse_duration(text: str) -> int:
    """The milliseconds that `text` names; its unit in any case, with or without a final s.

    Raises:
        ValueError: it is no such duration, or one of more than three years; the message continues a
            sentence that begins with the field's name.
    """
    form = _FORM.fullmatch(text)
    unit = form[2].lower() if form else ""
    if unit in {"month", "year"}:
        raise ValueError(f"must be in weeks or a smaller unit, since a {unit} has no fixed length")
    if form is None or unit not in _UNITS_MS:
        raise ValueError("must be a number and a unit, such as '30 seconds' or '2 hours'")
    duration_ms = int(form[1]) * _UNITS_MS[unit]
    if duration_ms > MAX_DURATION_MS:
        raise ValueError("must be at most three years")
    return duration_ms
