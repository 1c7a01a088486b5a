"""What is true of the runs of a pipeline, on demand and by schedules (see ``invariants.py``)."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invariants import Shard


class Runs:
    """The runs of one pipeline that is not deleted; `records` are its instances by number."""

    def __init__(self, shard: Shard, scope: str, records: dict[str, dict[str, str]]) -> None:
        self.shard, self.scope, self.records = shard, scope, records

    def check(self) -> None:
        """Assert everything."""
        self.check_live()
        self.check_schedules()
        self.check_interrupted()

    def check_live(self) -> None:
        """Assert that each run counts those of its instances that have not ended yet."""
        pipeline = self.shard.value("pipeline", self.scope)
        gone = int(pipeline.get("cancel_to", 0))  # on demand: starts that do not count
        live: dict[str, Counter[str]] = defaultdict(Counter)
        for n, record in self.records.items():
            if "live" in record and ("schedule" in record or int(n) > gone):
                live[record.get("schedule", "")][record["live"]] += 1
        for parts, entry in self.shard.kinds["run"].items():
            run = entry.value
            counts = "schedule" in run or int(run["first"]) > gone
            if parts.startswith(self.scope + ":") and counts and "skipped" not in run:
                left = int(run["count"]) - int(run["next"])
                live[run.get("schedule", "")][run["first"]] += left
        found = {
            parts.removeprefix(self.scope + ":"): {
                run: int(left) for run, left in entry.value.items()
            }
            for parts, entry in self.shard.kinds["live"].items()
            if parts.startswith(self.scope + ":")
        }
        assert found == live, f"{self.scope}: the runs count other instances than there are"

    def check_schedules(self) -> None:
        """Assert that each schedule goes on: it has a tick to come, or is full, or over."""
        names = self.shard.value("schedules", self.scope) or {}
        for name, due_ms in names.items():
            schedule = self.shard.value("schedule", f"{self.scope}:{name}")
            live = len(self.shard.value("live", f"{self.scope}:{name}") or {})
            ticks = f"tick:{self.scope}:{name}" in self.shard.timers
            full = "full" in schedule and live >= int(schedule["window"])
            stopped = self.shard.value("pipeline", self.scope)["state"] != "SCHEDULED"
            assert ticks or full or stopped or due_ms == inf, f"{self.scope}: {name} has stopped"

    def check_interrupted(self) -> None:
        """Assert that what is to be gone on with was canceled by a deactivation."""
        for n in self.shard.value("interrupted", self.scope) or ():
            assert self.records[n]["canceled_by"] == "deactivation", f"{n} is not interrupted"
