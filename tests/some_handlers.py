"""Handlers as a user of the runner writes them; imported by tests and by runners under test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from coordinator.runner import Context, NotYet, Task, TaskFailedError, handler


@handler("CountLines")
def count_lines(task: Task, context: Context) -> None:
    """Count the lines of a file, and report."""
    with Path(task.field("path")).open() as lines:
        context.report(lines=sum(1 for _ in lines), attempt=task.attempt)


@handler("Sleepy")
def sleepy(task: Task, context: Context) -> None:
    """Wait for a cancel and note its reason."""
    context.on_lost(lambda reason: Path(task.field("path")).write_text(reason))
    context.report({"percent-complete": 10})
    context.canceled.wait()
    context.raise_if_canceled()


@handler("Deaf")
def deaf(_task: Task, context: Context) -> None:
    """Go on, whatever it is told."""
    context.report({"percent-complete": 10})
    while True:
        time.sleep(1)


@handler("Apart", isolation="process")
def apart(task: Task, context: Context) -> None:
    """Report where it runs, and end as it is told."""
    context.report(pid=os.getpid(), seen=context.guard is None)
    match task.field("end"):
        case "failure":
            raise TaskFailedError("NoPaper", "There is no paper.", "drawer 2")
        case "exception":
            raise KeyError("paper")
        case "crash":
            os.abort()
        case "quit":
            os._exit(0)
        case "exit":
            sys.exit(3)
        case "stubborn":
            path = Path(task.field("path"))
            with subprocess.Popen(["sleep", "600"]) as child:
                path.write_text(f"{os.getpid()} {child.pid}")
                while True:
                    time.sleep(1)
        case "stop":
            Path(task.field("path")).write_text("waiting")
            context.canceled.wait()
            Path(task.field("path")).write_text(context.reason)
            context.raise_if_canceled()


@handler("Chatty")
def chatty(task: Task, context: Context) -> None:
    """Report thousands of times, and then as the task says."""
    for number in range(5000):
        context.report(done=number)
    for key in task.all("key"):
        context.report({key: "x"})
        time.sleep(0.5)


@handler("IsThere")
@handler("IsThereActivity")
def is_there(task: Task, _context: Context) -> None:
    """Wait for a file, as a precondition does."""
    if not Path(task.field("path")).exists():
        raise NotYet(f"There is no {task.field('path')}.")


@handler("IsThereApart", isolation="process")
def is_there_apart(task: Task, context: Context) -> None:
    """Likewise, in a process of its own."""
    is_there(task, context)
