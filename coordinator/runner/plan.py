"""How the command of a task is to be run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.runner import environment
from coordinator.runner.errors import TaskFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from coordinator.runner.task import Task

SHELL = "/bin/sh"
BANG = b"#!"


class CannotStartError(TaskFailedError):
    """The command cannot be run; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__("CannotStart", message)


@dataclass(frozen=True)
class Plan:
    """A program with its environment, and the files of its streams; None: the runner's own."""

    arguments: list[str]
    environment: Mapping[str, str]
    stdout: str | None = None
    stderr: str | None = None


def plan_of(
    task: Task,
    script: Path | None = None,
    streams: tuple[str | None, str | None] = (None, None),
    more: Mapping[str, str] | None = None,
) -> Plan:
    """Return the plan for a task's command, or for its script where it is a local file.

    `more` is added to its environment.

    Raises:
        CannotStartError: there is nothing to run.
    """
    around = {**environment.of_task(task, os.environ), **(more or {})}
    return Plan(_arguments(task, script), around, *streams)


def _arguments(task: Task, script: Path | None) -> list[str]:
    command, given = task.field("command"), task.all("scriptArgument")
    if command is not None:
        return [SHELL, "-c", command, "sh", *given]
    if script is None:
        raise CannotStartError("There is neither a command nor a scriptUri.")
    return [*([] if _names_its_program(script) else [SHELL]), str(script), *given]


def _names_its_program(script: Path) -> bool:
    """Whether it begins with ``#!``; it is made executable then."""
    with script.open("rb") as file:
        if file.read(len(BANG)) != BANG:
            return False
    script.chmod(0o700)
    return True
