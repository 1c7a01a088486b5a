"""What is true of the counts of unfinished instances, which COORDINATOR_MAX_PENDING bounds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invariants import Shard


def check_pending(shard: Shard) -> None:
    """Assert that each account has as many as live, and as are still to be made of its runs."""
    found: Counter[str] = Counter()
    for parts, entry in shard.kinds["instance"].items():
        found[parts.partition(":")[0]] += entry.value["state"] != "terminal"
    for parts, entry in shard.kinds["run"].items():
        found[parts.partition(":")[0]] += int(entry.value["count"]) - int(entry.value["next"])
    counted = {name: int(count) for name, count in (shard.value("pending", "") or {}).items()}
    assert counted == +found, "the counts of pending instances are not the real ones"
