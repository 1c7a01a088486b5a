"""Times of the wire: ``YYYY-MM-DDTHH:MM:SS``, UTC, no zone, no fraction."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at_ms: float) -> str:
    """Write ms since the epoch as the wire does."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
