r"""Records as lines of text: the formats CSV, TSV and Custom.

As the developer guide has them, values are not quoted: the escape character takes away the meaning
of what follows it. Quoted values are read all the same, and ``\\\\N`` alone is a NULL, both ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from coordinator.runner.errors import TaskFailedError
from coordinator.runner.plan import CannotStartError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coordinator.runner.fields import Object

Row = list[str | None]

QUOTE = '"'
NULL = "N"
CHUNK = 1 << 16
SEPARATORS = {"CSV": ",", "TSV": "\t", "Custom": ""}
_WRITTEN = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}


@dataclass(frozen=True)
class Format:
    """How values and records are told apart, and the names of the columns where they are given."""

    separator: str = ","
    record: str = "\n"
    escape: str = "\\"
    columns: tuple[str, ...] = ()


def format_of(found: Object | None) -> Format:
    """Return what a dataFormat says; CSV where there is none.

    Raises:
        CannotStartError: it is of a type that is not made of such lines.
    """
    if found is None:
        return Format()
    if found.type not in SEPARATORS:
        raise CannotStartError(f"Data format '{found.id}' is a {found.type}, which is not known.")
    columns = tuple(column.split()[0] for column in found.all("column") if column.strip())
    return Format(
        separator=_meant(found.field("columnSeparator")) or SEPARATORS[found.type] or ",",
        record=_meant(found.field("recordSeparator")) or "\n",
        escape=found.field("escapeChar") or "\\",
        columns=columns,
    )


def read(file: IO[str], form: Format) -> Iterator[Row]:
    """Yield the records of a file that was opened with ``newline=""``.

    Raises:
        TaskFailedError: a quoted value has no end.
    """
    records = _records(file, form)
    special = form.escape, QUOTE
    for record in records:
        if any(character in record for character in special):
            yield _Parser(form, records).parse(record)
        else:
            yield list(_without_return(record, form).split(form.separator))


def write(file: IO[str], rows: Iterable[Row], form: Format) -> None:
    """Write records, each with its separator."""
    pattern = "|".join(
        map(re.escape, (form.escape, form.separator[0], form.record[0], "\r", QUOTE))
    )
    special, null = re.compile(pattern), form.escape + NULL
    for row in rows:
        values = (null if v is None else special.sub(lambda m: form.escape + m[0], v) for v in row)
        file.write(form.separator.join(values) + form.record)


class _Parser:
    """One record with escapes or quotes in it; it may take further lines."""

    def __init__(self, form: Format, records: Iterator[str]) -> None:
        self._form, self._records = form, records
        self._values: Row = []
        self._value: list[str] = []
        self._quoted = self._null = False

    def parse(self, record: str) -> Row:
        """Return the values of a record.

        Raises:
            TaskFailedError: a quoted value has no end.
        """
        line: str | None = record
        while line is not None and self._goes_on_after(_without_return(line, self._form)):
            self._value.append(self._form.record)
            line = next(self._records, None)
        if line is None and self._quoted:
            raise TaskFailedError("BadRecord", "The last record has a quote without an end.")
        self._end_value()
        return self._values

    def _goes_on_after(self, line: str) -> bool:
        """Take a line; return whether it ends inside a value."""
        at = 0
        while at < len(line):
            if line[at] == self._form.escape:
                if at + 1 == len(line):
                    return True
                at += self._escaped(line, at)
            elif self._quoted or line[at] == QUOTE:
                at += self._quoting(line, at)
            elif line.startswith(self._form.separator, at):
                self._end_value()
                at += len(self._form.separator)
            else:
                self._value.append(line[at])
                at += 1
        return self._quoted

    def _escaped(self, line: str, at: int) -> int:
        """Take an escape with what follows it; return how many characters that is."""
        after = line[at + 2 :]
        alone = not (self._value or self._quoted) and (
            not after or after.startswith(self._form.separator)
        )
        if line[at + 1] == NULL and alone:
            self._null = True
        else:
            self._value.append(line[at + 1])
        return 2

    def _quoting(self, line: str, at: int) -> int:
        """Take a quote, or what is quoted; return likewise."""
        if line[at] != QUOTE:
            self._value.append(line[at])
        elif self._quoted and line.startswith(QUOTE * 2, at):
            self._value.append(QUOTE)
            return 2
        elif self._quoted or not self._value:
            self._quoted = not self._quoted
        else:
            self._value.append(QUOTE)
        return 1

    def _end_value(self) -> None:
        self._values.append(None if self._null else "".join(self._value))
        self._value, self._null = [], False


def _records(file: IO[str], form: Format) -> Iterator[str]:
    rest = ""
    while chunk := file.read(CHUNK):
        *whole, rest = (rest + chunk).split(form.record)
        yield from whole
    if rest:
        yield rest


def _without_return(record: str, form: Format) -> str:
    """Drop the carriage return of a line from Windows, unless it is escaped."""
    if form.record != "\n" or not record.endswith("\r"):
        return record
    before = record[:-1]
    escapes = len(before) - len(before.rstrip(form.escape))
    return record if escapes % 2 else before


def _meant(text: str | None) -> str | None:
    return _WRITTEN.get(text, text) if text else None
