"""`run`: the demo from its start to its end."""

from __future__ import annotations

import platform
import tempfile
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from coordinator.commands.demo import library
from coordinator.commands.demo.errors import DemoError
from coordinator.commands.demo.job import Job
from coordinator.commands.demo.screen import say, screen
from coordinator.commands.demo.signals import interrupt_on_signals
from coordinator.commands.demo.stage import Stage
from coordinator.commands.demo.tables import tables
from coordinator.commands.demo.work import Findings, work

INTERRUPTED = 130


def run(limit: int | None) -> int:
    """Run the demo on the first `limit` packages and modules, or all; return its exit code.

    However it ends, its processes are stopped and its files removed.

    Raises:
        DemoError: something did not happen as it must; the message says what.
        EmbeddedError: the embedded server cannot start.
    """
    interrupt_on_signals()
    console = Console(highlight=False)
    try:
        _run(console, limit)
    except KeyboardInterrupt:
        say(console, "Interrupted: every process is stopped, nothing is left behind.")
        return INTERRUPTED
    return 0


def _run(console: Console, limit: int | None) -> None:
    began = time.monotonic()
    modules = dict(list(library.modules().items())[:limit])
    say(
        console,
        f"Counting the standard library of Python {platform.python_version()} "
        f"({len(modules)} packages and modules), with two processes killed on the way.",
    )
    with tempfile.TemporaryDirectory(prefix="coordinator-demo-") as folder:
        job = Job(modules, Path(folder))
        findings = _work(console, job, Path(folder))
        console.print(tables(job.counts(), job.total(), findings))
        say(console, compare(job), "bold green")
    seconds = time.monotonic() - began
    say(console, f"Every process is stopped, nothing is left behind. {seconds:.0f} s in all.")


def _work(console: Console, job: Job, folder: Path) -> Findings:
    with screen(console) as display, Stage(folder) as stage:
        try:
            return work(job, stage, display)
        except (BotoCoreError, ClientError, OSError) as error:
            stage.processes.check()  # it may say why
            raise DemoError(f"The coordinator did not answer: {error}") from error


def compare(job: Job) -> str:
    """Compare the pipeline's total with the direct count; return the sentence to end with.

    Raises:
        DemoError: they differ.
    """
    total, direct = job.total(), job.direct()
    if total != direct:
        raise DemoError(f"The pipeline counted {total}, and one process by itself {direct}.")
    return (
        f"The pipeline counted {total['lines']:,} lines and {total['functions']:,} functions. "
        "So did one process by itself: nothing was lost, and nothing counted twice."
    )
