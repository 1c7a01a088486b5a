"""Durations as definitions write them: a number and a unit, such as ``15 minutes``."""

import re

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+?)s?\s*", re.IGNORECASE)


def seconds_of(text: str) -> float | None:
    """Return the length of `text` in seconds; None if it is not a positive duration."""
    match = _PATTERN.fullmatch(text)
    if match is None or match[2].lower() not in _SECONDS:
        return None
    return float(match[1]) * _SECONDS[match[2].lower()] or None
