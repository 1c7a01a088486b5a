"""What a campaign shows while it runs: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from campaign import Campaign
    from rich.console import Console

LINE_SECONDS = 15


class Progress:
    """Prints the plan at first, and then how it goes; a context manager."""

    def __init__(self, console: Console, campaign: Campaign) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(20), TimeRemainingColumn())
        self._bar = Bar(*columns, console=console, disable=not console.is_terminal)
        self._last = 0.0
        again = f"SEED={campaign.seed} SERVER={campaign.server} MINUTES={campaign.seconds / 60:g}"
        again += " CLOCK=1" * campaign.clock
        console.print(f"faults: {again}, histories in {campaign.folder}", soft_wrap=True)
        for lane, steps in campaign.plan.items():
            told = ", ".join(f"{step.at:g} s {step.kind} ({step.lasts:g} s)" for step in steps)
            console.print(f"{lane}: {told}", style="dim", soft_wrap=True)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        self._task = self._bar.add_task("starting", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self._bar.stop()

    def show(self, campaign: Campaign) -> None:
        """Say how far it is."""
        operator = campaign.world.operator
        faults = sum(lane.done for lane in campaign.lanes)
        present = ", ".join(lane.present for lane in campaign.lanes if lane.present) or "quiet"
        text = f"{operator.instances} instances, {faults} faults; {present}"
        done = campaign.seconds - campaign.left
        self._bar.update(self._task, description=text, completed=done, total=campaign.seconds)
        if not self._console.is_terminal and time.monotonic() > self._last + LINE_SECONDS:
            self._last = time.monotonic()
            self._console.print(f"{done:5.0f} s: {text}", soft_wrap=True)
