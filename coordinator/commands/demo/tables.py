"""The tables at the end: what was counted, who held what, which leases were lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.columns import Columns
from rich.console import Group
from rich.table import Table

from coordinator.commands.demo.definition import ADD_UP
from coordinator.commands.demo.losses import losses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from coordinator.commands.demo.api import Attempt
    from coordinator.commands.demo.count import Counts
    from coordinator.commands.demo.lag import Lag
    from coordinator.commands.demo.story import Killed
    from coordinator.commands.demo.work import Findings

SHOWN = 15


def tables(counts: Mapping[str, Counts], total: Counts, findings: Findings) -> RenderableType:
    """Put them together: side by side where there is room."""
    attempts, killed = findings.attempts, findings.killed
    right = Group(held_table(attempts, killed), "", lost_table(attempts, killed, findings.lag))
    return Columns([count_table(counts, total), right], padding=(1, 3))


def count_table(counts: Mapping[str, Counts], total: Counts) -> Table:
    """Lines and functions of each package, the largest first."""
    table = Table(title="What was counted", box=box.SIMPLE_HEAD, show_footer=True)
    table.add_column("package or module", footer=f"all {len(counts)}")
    table.add_column("files", footer=f"{total['files']:,}", justify="right")
    table.add_column("lines", footer=f"{total['lines']:,}", justify="right")
    table.add_column("functions", footer=f"{total['functions']:,}", justify="right")
    ordered = sorted(counts.items(), key=lambda item: -item[1]["lines"])
    for name, found in ordered[:SHOWN]:
        table.add_row(name, *(f"{found[key]:,}" for key in ("files", "lines", "functions")))
    rest = [found for _, found in ordered[SHOWN:]]
    if rest:
        sums = (sum(found[key] for found in rest) for key in ("files", "lines", "functions"))
        table.add_row(f"{len(rest)} more", *(f"{number:,}" for number in sums), style="dim")
    return table


def held_table(attempts: Sequence[Attempt], killed: Killed) -> Table:
    """How many attempts each runner held, and what became of them."""
    table = Table("runner", title="Who held what", box=box.SIMPLE_HEAD)
    for heading in ("attempts", "finished", "lost"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for name in sorted({attempt.runner for attempt in attempts}):
        own = [attempt for attempt in attempts if attempt.runner == name]
        done = sum(attempt.status == "FINISHED" for attempt in own)
        remark = "killed with kill -9" if name == killed.runner else ""
        if any(attempt.task == ADD_UP for attempt in own):
            remark = "added up"
        table.add_row(name, f"{len(own)}", f"{done}", f"{len(own) - done}", remark)
    return table


def lost_table(attempts: Sequence[Attempt], killed: Killed, lag: Lag) -> Table:
    """Every lease that was lost, and its next holder."""
    caption = (
        f"From a deadline to the next hand-out, by the metrics ({lag.count} in all): "
        f"{1000 * lag.mean:.0f} ms on average, at most {1000 * lag.at_most:g} ms, "
        "with the wait for a free runner."
    )
    table = Table(title="Leases lost", caption=caption, box=box.SIMPLE_HEAD)
    for heading in ("task", "of", "cause", "next", "after the kill"):
        table.add_column(heading, justify="right" if heading == "after the kill" else "left")
    for loss in losses(attempts, killed):
        after = f"{loss.again.claimed_at - killed.at:.2f} s"
        table.add_row(loss.before.task, loss.before.runner, loss.cause, loss.again.runner, after)
    return table
