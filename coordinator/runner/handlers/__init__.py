"""The handlers that every runner has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.runner.handlers import copy_activity, shell_activity, sql_activity

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.context import Context
    from coordinator.runner.task import Task

BUILT_IN: dict[str, Callable[[Task, Context], object]] = {
    "CopyActivity": copy_activity.run,
    "ShellCommandActivity": shell_activity.run,
    "SqlActivity": sql_activity.run,
}
