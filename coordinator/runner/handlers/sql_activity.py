"""SqlActivity: a script for a database, as one transaction.

Source: the developer guide's page on the activity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.runner import storage
from coordinator.runner.errors import TaskFailedError
from coordinator.runner.handlers import databases
from coordinator.runner.handlers.statements import bound, statements_of
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from typing import Any

    from coordinator.runner.context import Context
    from coordinator.runner.task import Task


def run(task: Task, context: Context) -> None:
    """Run the script of a task; all of it, or nothing.

    Raises:
        TaskFailedError, CanceledError
    """
    database = task.ref("database")
    if database is None:
        raise CannotStartError("The activity has no database.")
    script = _script(task, context)
    with databases.transaction(database, context, writes=True) as connection:
        databases.create_missing_table(connection, task.ref("output"))
        _execute(connection, script, task.all("scriptArgument"), context)


def _script(task: Task, context: Context) -> str:
    script, uri = task.field("script"), task.field("scriptUri")
    if script is not None:
        return script
    if uri is None:
        raise CannotStartError("The activity has neither a script nor a scriptUri.")
    with storage.open_to_read(uri, context.raise_if_canceled) as file:
        return file.read().decode()


def _execute(connection: Any, script: str, arguments: list[str], context: Context) -> None:
    values = iter(arguments) if arguments else None
    statements = statements_of(script, sqlite=databases.is_sqlite(connection))
    for number, statement in enumerate(statements, 1):
        context.raise_if_canceled()
        bare, parameters = bound(statement, values)
        connection.execute(databases.text(bare), parameters)
        context.report(statementsDone=number)
    if values is not None and next(values, None) is not None:
        raise TaskFailedError("SqlError", "The script has fewer ? than scriptArguments.")
