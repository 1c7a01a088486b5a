"""Times of the wire: ``YYYY-MM-DDTHH:MM:SS``, UTC, no zone, no fraction."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


def iso(at_ms: float) -> str:
    """Write ms since the epoch as the wire does."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


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
