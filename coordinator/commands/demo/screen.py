"""What the demo shows while it runs: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from coordinator.commands.demo import api

QUARTERS = 4


class Screen(Protocol):
    """Shows events as they happen and how far the work is; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def event(self, text: str, style: str = "") -> None:
        """Show that something happened, with the seconds since the start."""

    def update(self, progress: api.Progress) -> None:
        """Show how far the work is."""


def screen(console: Console) -> Screen:
    """Return the display that fits where the output goes."""
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a sentence; where lines may be of any length it stays on one."""
    console.print(Text(text, style), soft_wrap=not console.is_terminal)


class PlainScreen:
    """One line for each event and each quarter of the work; no control codes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._quarters = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def event(self, text: str, style: str = "") -> None:
        """Print the event."""
        say(self._console, f"{time.monotonic() - self._began:6.1f} s  {text}", style)

    def update(self, progress: api.Progress) -> None:
        """Print a line if another quarter is done."""
        quarters = QUARTERS * progress.done // progress.total
        if quarters > self._quarters:
            self._quarters = quarters
            self.event(_state(progress))


class LiveScreen:
    """A progress bar, the tasks in hand, and the events below."""

    def __init__(self, console: Console) -> None:
        self._began = time.monotonic()
        self._bar = Progress(
            BarColumn(bar_width=40, complete_style="cyan", finished_style="green"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task("starting", total=None)
        self._in_hand = Text(style="cyan", no_wrap=True, overflow="ellipsis")
        self._events = Table.grid(padding=(0, 2))
        self._events.add_column(justify="right", style="dim", min_width=8)
        self._live = Live(console=console, get_renderable=self._picture, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._in_hand.plain = ""  # an empty line goes before the events
        self._live.__exit__(None, None, None)

    def event(self, text: str, style: str = "") -> None:
        """Add the event to the list."""
        self._events.add_row(f"{time.monotonic() - self._began:.1f} s", Text(text, style))
        self._live.refresh()

    def update(self, progress: api.Progress) -> None:
        """Move the bar, and name the tasks in hand."""
        self._bar.update(
            self._task,
            total=progress.total,
            completed=progress.done,
            description=_state(progress),
        )
        self._in_hand.plain = f"in hand: {' '.join(progress.running)}"

    def _picture(self) -> RenderableType:
        return Group(self._bar, self._in_hand, self._events)


def _state(progress: api.Progress) -> str:
    running, waiting = len(progress.running), progress.waiting
    return f"{progress.done} of {progress.total} done, {running} running, {waiting} waiting"
