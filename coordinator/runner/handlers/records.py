"""Records in and out of data nodes, one after the other, without ever holding them all.

What is read comes in groups, each with the name of a file: those of a directory, or one.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
from typing import IO, TYPE_CHECKING, Any

from coordinator.runner import storage
from coordinator.runner.errors import TaskFailedError
from coordinator.runner.handlers import databases, delimited
from coordinator.runner.handlers.statements import bound, numbered, values_for
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coordinator.runner.context import Context
    from coordinator.runner.fields import Object
    from coordinator.runner.handlers.delimited import Format, Row
    from coordinator.runner.task import Task

    Group = tuple[str, Iterator[Row]]

FILES = "S3DataNode"
BATCH = 1000
ONE_FILE = "part-00000"


def is_files(node: Object) -> bool:
    """Whether a data node is files, rather than a table.

    Raises:
        CannotStartError: it is neither.
    """
    if node.type == FILES:
        return True
    if node.field("table") is not None:
        return False
    raise CannotStartError(f"Data node '{node.id}' is a {node.type}, which cannot be copied.")


def format_of(task: Task, node: Object) -> Format:
    """Return the format of a data node's files."""
    return delimited.format_of(task.ref("dataFormat", node))


def database_of(task: Task, node: Object) -> Object:
    """Return what says how a table's database is reached."""
    return task.ref("database", node) or node


def is_gzip(node: Object) -> bool:
    """Whether its files are compressed."""
    return (node.field("compression") or "").lower() == "gzip"


def read_groups(task: Task, node: Object, context: Context) -> Iterator[Group]:
    """Yield what a data node holds; each group has to be read before the next."""
    if not is_files(node):
        with databases.transaction(database_of(task, node), context) as connection:
            yield ONE_FILE, _selected(connection, node)
        return
    form, check = format_of(task, node), context.raise_if_canceled
    for name, uri in files_in(node):
        with storage.open_to_read(uri, check) as file, _as_text(file, node, "r") as lines:
            yield name, delimited.read(lines, form)


def write_groups(
    task: Task, node: Object, groups: Iterable[Group], columns: tuple[str, ...], context: Context
) -> None:
    """Write groups to a data node: a table, one file, or a file for each in a directory."""
    directory = node.field("directoryPath")
    if not is_files(node):
        _insert(task, node, _all_rows(groups), columns, context)
    elif node.field("filePath") is not None or directory is None:
        _write_file(task, node, _all_rows(groups), one_path(node), context)
    else:
        for name, rows in groups:
            _write_file(task, node, rows, storage.child_of(directory, name), context)


def files_in(node: Object) -> Iterator[tuple[str, str]]:
    """Yield name and URI of each file of a data node."""
    directory = node.field("directoryPath")
    if node.field("filePath") is not None or directory is None:
        yield storage.name_of(one_path(node)), one_path(node)
        return
    for name in storage.names_in(directory):
        yield name, storage.child_of(directory, name)


def one_path(node: Object) -> str:
    """Return the filePath of a data node.

    Raises:
        CannotStartError: it has none.
    """
    path = node.field("filePath")
    if path is None:
        raise CannotStartError(f"Data node '{node.id}' has no filePath and no directoryPath.")
    return path


def _all_rows(groups: Iterable[Group]) -> Iterator[Row]:
    return itertools.chain.from_iterable(rows for _, rows in groups)


def _selected(connection: Any, node: Object) -> Iterator[Row]:
    query = node.field("selectQuery") or f"SELECT * FROM {databases.table_of(node)}"  # noqa: S608 - who defines the pipeline chooses the table
    streaming = connection.execution_options(stream_results=True, yield_per=BATCH)
    for row in streaming.execute(databases.text(bound(query)[0])):
        yield [_text_of(value) for value in row]


def _insert(
    task: Task, node: Object, rows: Iterator[Row], columns: tuple[str, ...], context: Context
) -> None:
    with databases.transaction(database_of(task, node), context, writes=True) as connection:
        databases.create_missing_table(connection, node)
        first = next(rows, None)
        if first is None:
            return
        statement, places = numbered(_insert_query(node, columns, len(first)))
        insert = databases.text(statement)
        for batch in _batches(_checked(itertools.chain([first], rows), places)):
            connection.execute(insert, batch)


def _insert_query(node: Object, columns: tuple[str, ...], places: int) -> str:
    given = node.field("insertQuery")
    if given is not None:
        return given
    names = f" ({', '.join(columns)})" if columns else ""
    marks = ", ".join("?" * places)
    return f"INSERT INTO {databases.table_of(node)}{names} VALUES ({marks})"  # noqa: S608 - likewise


def _checked(rows: Iterable[Row], places: int) -> Iterator[dict[str, str | None]]:
    for number, row in enumerate(rows, 1):
        if len(row) != places:
            message = f"Record {number} has {len(row)} values, not {places}."
            raise TaskFailedError("BadRecord", message)
        yield values_for(row)


def _batches(rows: Iterator[dict[str, str | None]]) -> Iterator[list[dict[str, str | None]]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def _write_file(task: Task, node: Object, rows: Iterable[Row], uri: str, context: Context) -> None:
    check = context.raise_if_canceled
    with storage.open_to_write(uri, check) as file, _as_text(file, node, "w") as lines:
        delimited.write(lines, rows, format_of(task, node))


@contextlib.contextmanager
def _as_text(file: IO[bytes], node: Object, mode: str) -> Iterator[IO[str]]:
    with contextlib.ExitStack() as stack:
        plain: Any = file
        if is_gzip(node):
            plain = stack.enter_context(gzip.GzipFile(fileobj=file, mode=f"{mode}b"))
        text = io.TextIOWrapper(plain, encoding="utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()  # which flushes it, and leaves closing to those who opened


def _text_of(value: Any) -> str | None:
    """Return a value of a database as files have it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return str(value)
