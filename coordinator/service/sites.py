"""Where and when a definition is put, as advice about it depends on that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from coordinator.domain.site_rules import Site

if TYPE_CHECKING:
    from coordinator.config import Settings


def site_of(settings: Settings) -> Site:
    """Return the site of this replica, with the time of its own clock: that is enough for advice.

    Everything that is stored goes by the clock of Redis.
    """
    return Site(
        now_ms=int(time.time() * 1000),
        backfill_guard=settings.backfill_guard,
        alarm_url=settings.alarm_url,
    )
