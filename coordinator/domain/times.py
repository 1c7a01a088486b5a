"""Times of the wire: ``YYYY-MM-DDTHH:MM:SS``, UTC, no zone, no fraction."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_LAST_MS = 253_402_300_799_000  # the last second of the year 9999
_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


def iso(at_ms: float) -> str:
    """Write ms since the epoch as the wire does."""
    return instant(at_ms).replace(tzinfo=None).isoformat()


def instant(at_ms: float) -> datetime:
    """Return the second of a time in ms; no later one than the wire can write."""
    return datetime.fromtimestamp(min(at_ms, _LAST_MS) // 1000, UTC)


def parse_time(text: str) -> datetime:
    """Read a time as definitions write it.

    Raises:
        ValueError: it is no such time; the message continues a sentence begun by its field's name.
    """
    try:
        if _FORM.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        pass  # a month 13
    raise ValueError("must be a time in UTC such as '2026-01-31T08:00:00'")
