"""What is true of the backlogs of worker groups, which metrics show."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invariants import Shard


def check_backlogs(shard: Shard) -> None:
    """Assert that a group's backlog has what its ready lists have, since when, and how many."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for parts, entry in shard.kinds["ready"].items():
        account, pipeline, group = parts.split(":", 2)
        for member in entry.value:
            record = shard.value("instance", f"{account}:{pipeline}:{int(member)}")
            found[f"{account}:{group}"][f"{pipeline}:{member}"] = int(record["ready_ms"])
    assert {name: entry.value for name, entry in shard.kinds["backlog"].items()} == found
    sizes = {name: len(members) for name, members in found.items()}
    assert (shard.value("backlogs", "") or {}) == sizes, "a backlog has not the size it is said to"
