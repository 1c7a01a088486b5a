"""DynamoDBTableExists and DynamoDBDataExists.

Source: the developer guide's pages on the preconditions. Their `role` is for AWS; here it is the
runner's own credentials and region that count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.runner import aws
from coordinator.runner.errors import NotYet, TaskFailedError
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from coordinator.runner.context import Context
    from coordinator.runner.task import Task

ERROR_ID = "DynamoDBError"


def table_exists(task: Task, _: Context) -> None:
    """Check that there is a table.

    Raises:
        NotYet, TaskFailedError
    """
    _ask(task, lambda client, table: client.describe_table(TableName=table))


def data_exists(task: Task, _: Context) -> None:
    """Check that there is a table with an item in it.

    Raises:
        NotYet, TaskFailedError
    """
    if not _ask(task, _has_items):
        raise NotYet(f"There is nothing in table '{_table(task)}'.")


def _has_items(client: Any, table: str) -> bool:
    pages = client.get_paginator("scan").paginate(
        TableName=table, Select="COUNT", PaginationConfig={"PageSize": 1}
    )
    return any(page["Count"] for page in pages)


def _ask(task: Task, question: Callable[[Any, str], Any]) -> Any:
    table = _table(task)
    try:
        client = aws.client("dynamodb")
        return question(client, table)
    except TaskFailedError:
        raise
    except Exception as error:
        if aws.code_of(error) == "ResourceNotFoundException":
            raise NotYet(f"There is no table '{table}'.") from error
        raise TaskFailedError(ERROR_ID, f"Table '{table}' cannot be asked for: {error}") from error


def _table(task: Task) -> str:
    table = task.field("tableName")
    if table is None:
        raise CannotStartError("The precondition has no tableName.")
    return table
