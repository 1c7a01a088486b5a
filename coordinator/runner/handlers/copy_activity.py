"""CopyActivity: files and tables, each to each.

Source: the developer guide's page on the activity.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from coordinator.runner import storage
from coordinator.runner.handlers import records
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coordinator.runner.context import Context
    from coordinator.runner.fields import Object
    from coordinator.runner.handlers.delimited import Row
    from coordinator.runner.task import Task

REPORT_EVERY = 1000  # records


def run(task: Task, context: Context) -> None:
    """Copy the input of a task to its output.

    Raises:
        TaskFailedError, CanceledError
    """
    source, target = task.ref("input"), task.ref("output")
    if source is None or target is None:
        raise CannotStartError("The activity needs an input and an output.")
    if _as_they_are(task, source, target):
        _copy_files(source, target, context)
    else:
        _copy_records(task, source, target, context)


def _as_they_are(task: Task, source: Object, target: Object) -> bool:
    """Whether files can be copied whole: the same format, and not several into one."""
    return (
        records.is_files(source)
        and records.is_files(target)
        and records.format_of(task, source) == records.format_of(task, target)
        and records.is_gzip(source) == records.is_gzip(target)
        and (source.field("filePath") is not None or target.field("filePath") is None)
    )


def _copy_files(source: Object, target: Object, context: Context) -> None:
    directory = target.field("directoryPath")
    into = directory if target.field("filePath") is None else None
    for number, (name, uri) in enumerate(records.files_in(source), 1):
        context.raise_if_canceled()
        to = storage.child_of(into, name) if into is not None else records.one_path(target)
        storage.copy(uri, to, context.raise_if_canceled)
        context.report(filesCopied=number)


def _copy_records(task: Task, source: Object, target: Object, context: Context) -> None:
    columns = records.format_of(task, source).columns if records.is_files(source) else ()
    counter = _Counter(context)
    with contextlib.closing(records.read_groups(task, source, context)) as groups:  # type: ignore[type-var]
        counted = ((name, counter.count(rows)) for name, rows in groups)
        records.write_groups(task, target, counted, columns, context)
    counter.report()


class _Counter:
    """Counts records on their way, reports them, and lets a cancel through."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = 0

    def count(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield row
            self._records += 1
            if self._records % REPORT_EVERY == 0:
                self._context.raise_if_canceled()
                self.report()

    def report(self) -> None:
        self._context.report(recordsCopied=self._records)
