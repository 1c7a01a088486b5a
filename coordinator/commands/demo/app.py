"""`run`: the demo from its start to its end."""

from __future__ import annotations

import platform
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

from coordinator.commands.demo import library
from coordinator.commands.demo.errors import DemoError
from coordinator.commands.demo.job import Job
from coordinator.commands.demo.screen import screen
from coordinator.commands.demo.stage import Stage
from coordinator.commands.demo.tables import tables
from coordinator.commands.demo.work import work

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130


def run(limit: int | None) -> int:
    """Run the demo on the first `limit` packages and modules, or all; return its exit code.

    However it ends, its processes are stopped and its files removed.

    Raises:
        DemoError: something did not happen as it must; the message says what.
        EmbeddedError: the embedded server cannot start.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console(highlight=False)
    try:
        _run(console, limit)
    except KeyboardInterrupt:
        console.print("Interrupted: every process is stopped, nothing is left behind.")
        return INTERRUPTED
    return 0


def _run(console: Console, limit: int | None) -> None:
    began = time.monotonic()
    modules = dict(list(library.modules().items())[:limit])
    console.print(
        f"Counting the standard library of Python {platform.python_version()} "
        f"({len(modules)} packages and modules), with two processes killed on the way.",
        soft_wrap=True,
    )
    with tempfile.TemporaryDirectory(prefix="coordinator-demo-") as name:
        job = Job(modules, folder := Path(name))
        with screen(console) as display, Stage(folder) as stage:
            findings = work(job, stage, display)
        console.print(tables(job.counts(), job.total(), findings))
        _compare(console, job)
    seconds = time.monotonic() - began
    console.print(f"Every process is stopped, nothing is left behind. {seconds:.0f} s in all.")


def _compare(console: Console, job: Job) -> None:
    """Compare the pipeline's total with the direct count.

    Raises:
        DemoError: they differ.
    """
    total, direct = job.total(), job.direct()
    if total != direct:
        raise DemoError(f"The pipeline counted {total}, and one process by itself {direct}.")
    console.print(
        f"The pipeline counted {total['lines']:,} lines and {total['functions']:,} functions. "
        "So did one process by itself: nothing was lost, and nothing counted twice.",
        style="bold green",
        soft_wrap=True,
    )


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
