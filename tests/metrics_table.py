"""The table of docs/metrics.md, and the names that Prometheus has for what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
ROW = "| `coordinator_"
PARTS = ("_bucket", "_count", "_sum")


class Row(NamedTuple):
    """A row: the full name of a family, its type, its labels, and what it means."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def stored(self) -> set[str]:
        """The names under which Prometheus stores it."""
        return {self.name + part for part in PARTS} if self.kind == "histogram" else {self.name}

    @property
    def counts(self) -> str:
        """The name whose value is more than nought once something happened."""
        return self.name + "_count" if self.kind == "histogram" else self.name


def _row(line: str) -> Row:
    name, kind, labels, meaning = (cell.strip() for cell in line.split("|")[1:-1])
    return Row(name.strip("`"), kind, tuple(labels.split(", ")) if labels else (), meaning)


ROWS = [_row(line) for line in PAGE.read_text().splitlines() if line.startswith(ROW)]
