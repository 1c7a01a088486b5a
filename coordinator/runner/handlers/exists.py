"""Exists: whether what a data node says is there.

Source: the developer guide's page on the precondition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.runner import storage
from coordinator.runner.errors import NotYet
from coordinator.runner.handlers import databases, records
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from coordinator.runner.context import Context
    from coordinator.runner.fields import Object
    from coordinator.runner.task import Task

PLACES = {
    "filePath": storage.has_file,
    "manifestFilePath": storage.has_file,
    "directoryPath": storage.has_directory,
}


def run(task: Task, context: Context) -> None:
    """Look for the data node of a task: each path that it has, or its table.

    Raises:
        NotYet, TaskFailedError, CanceledError
    """
    node = _node_of(task)
    if node.type == records.FILES:
        _look_for_files(node)
    elif node.field("table") is not None:
        _look_for_table(task, node, context)
    else:
        raise CannotStartError(
            f"'{node.id}' is a {node.type}; Exists looks for an S3DataNode or a SqlDataNode."
        )


def _node_of(task: Task) -> Object:
    node = task.ref("node")
    if node is None:
        named = task.field("node")
        missing = f"its '{named}' is not among the task's objects" if named else "it has no node"
        raise CannotStartError(f"Exists is for a data node, but {missing}.")
    return node


def _look_for_files(node: Object) -> None:
    given = {key: uri for key in PLACES if (uri := node.field(key)) is not None}
    if not given:
        raise CannotStartError(f"Data node '{node.id}' has none of {', '.join(PLACES)}.")
    for key, uri in given.items():
        if not PLACES[key](uri):
            raise NotYet(f"There is no {uri}.")


def _look_for_table(task: Task, node: Object, context: Context) -> None:
    database = records.database_of(task, node)
    with databases.transaction(database, context) as connection:
        found = databases.has_table(connection, node)
    if not found:
        raise NotYet(f"There is no table '{databases.table_of(node)}' in '{database.id}'.")
