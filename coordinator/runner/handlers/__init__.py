"""The handlers that every runner has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.runner.handlers import shell_activity

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.context import Context
    from coordinator.runner.task import Task

BUILT_IN: dict[str, Callable[[Task, Context], object]] = {
    "ShellCommandActivity": shell_activity.run,
}
