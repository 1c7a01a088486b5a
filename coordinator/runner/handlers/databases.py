"""Databases by SQLAlchemy, whatever it has a dialect for."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

from coordinator.runner.errors import CanceledError, TaskFailedError
from coordinator.runner.handlers.statements import bound
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.runner.context import Context
    from coordinator.runner.fields import Object

ERROR_ID = "SqlError"
JDBC = "jdbc:"


@contextlib.contextmanager
def transaction(source: Object, context: Context, *, writes: bool = False) -> Iterator[Any]:
    """Connect to a database, and commit when the block ends; a cancel breaks it off.

    `source` is a database, or a data node that says where its own is. One that `writes` waits for
    the others on SQLite, which would have it fail at once if it read first and wrote later.

    Raises:
        TaskFailedError, CanceledError
    """
    alchemy = _alchemy()
    try:
        engine = _engine(alchemy, source, writes=writes)
        with contextlib.closing(engine.connect()) as connection:
            context.on_lost(lambda _: _interrupt(connection))
            with connection.begin():
                yield connection
                context.raise_if_canceled()
    except alchemy.exc.SQLAlchemyError as error:
        if context.canceled.is_set():
            raise CanceledError(context.reason) from error
        raise TaskFailedError(ERROR_ID, str(getattr(error, "orig", None) or error)) from error


def text(statement: str) -> Any:
    """Return a statement for a connection, as it is."""
    return _alchemy().text(statement)


def create_missing_table(connection: Any, node: Object | None) -> None:
    """Run a data node's createTableSql if its table is not there."""
    statement = node.field("createTableSql") if node else None
    if node is None or statement is None:
        return
    if not has_table(connection, node):
        connection.execute(text(bound(statement)[0]))


def has_table(connection: Any, node: Object) -> bool:
    """Whether a data node's table, or view, is there; its name may be folded to lower case.

    Raises:
        CannotStartError: it has none.
    """
    inspector, name = _alchemy().inspect(connection), table_of(node)
    places = [spelled.rpartition(".") for spelled in (name, name.lower())]
    return any(inspector.has_table(table, schema=schema or None) for schema, _, table in places)


def table_of(node: Object) -> str:
    """Return the name of a data node's table, as it is written, with its schema.

    Raises:
        CannotStartError: it has none.
    """
    table, schema = node.field("table") or node.field("tableName"), node.field("schemaName")
    if table is None:
        raise CannotStartError(f"Data node '{node.id}' has no table.")
    return f"{schema}.{table}" if schema else table


def is_sqlite(connection: Any) -> bool:
    """Whether it is SQLite."""
    return bool(connection.dialect.name == "sqlite")


def _alchemy() -> Any:
    try:
        return importlib.import_module("sqlalchemy")
    except ImportError as error:
        message = "Databases need SQLAlchemy: pip install 'lease-coordinator[runner]'."
        raise TaskFailedError("MissingExtra", message) from error


def _engine(alchemy: Any, source: Object, *, writes: bool) -> Any:
    try:
        # Parameters are data, which is not for error messages.
        engine = alchemy.create_engine(
            _url(alchemy, source), poolclass=alchemy.pool.NullPool, hide_parameters=True
        )
    except ImportError as error:
        message = f"The driver for database '{source.id}' is not installed: {error}."
        raise TaskFailedError("MissingDriver", message) from error
    if engine.dialect.name == "sqlite":
        _begin_at_once(alchemy, engine, "BEGIN IMMEDIATE" if writes else "BEGIN")
    return engine


def _url(alchemy: Any, source: Object) -> Any:
    given = source.field("connectionString")
    if given is None:
        raise CannotStartError(f"'{source.id}' ({source.type}) has no connectionString.")
    try:
        url = alchemy.make_url(given.removeprefix(JDBC))
    except (alchemy.exc.ArgumentError, ValueError):  # the message may show a password
        raise CannotStartError(
            f"The connectionString of '{source.id}' is no URL that SQLAlchemy can read."
        ) from None
    more = {
        "username": source.field("username"),
        "password": source.field("*password"),
        "database": None if url.database else source.field("databaseName"),
    }
    if url.get_backend_name() == "sqlite":  # which has no users, but the API wants some
        more.update(username=None, password=None)
    return url.set(**{key: value for key, value in more.items() if value})


def _begin_at_once(alchemy: Any, engine: Any, statement: str) -> None:
    """Make a transaction of everything: Python's own rule for SQLite leaves out CREATE TABLE."""

    @alchemy.event.listens_for(engine, "connect")  # type: ignore[untyped-decorator]
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @alchemy.event.listens_for(engine, "begin")  # type: ignore[untyped-decorator]
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql(statement)


def _interrupt(connection: Any) -> None:
    """Break off what a connection does, where its driver can; it fails in its own thread then."""
    with contextlib.suppress(Exception):
        driver = connection.connection.driver_connection
        (getattr(driver, "cancel", None) or driver.interrupt)()
