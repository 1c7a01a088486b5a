"""The handlers that every runner has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.runner.handlers import (
    copy_activity,
    dynamodb_preconditions,
    exists,
    s3_preconditions,
    shell_activity,
    shell_precondition,
    sql_activity,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.runner.context import Context
    from coordinator.runner.task import Task

BUILT_IN: dict[str, Callable[[Task, Context], object]] = {
    "CopyActivity": copy_activity.run,
    "DynamoDBDataExists": dynamodb_preconditions.data_exists,
    "DynamoDBTableExists": dynamodb_preconditions.table_exists,
    "Exists": exists.run,
    "S3KeyExists": s3_preconditions.key_exists,
    "S3PrefixNotEmpty": s3_preconditions.prefix_not_empty,
    "ShellCommandActivity": shell_activity.run,
    "ShellCommandPrecondition": shell_precondition.run,
    "SqlActivity": sql_activity.run,
}
