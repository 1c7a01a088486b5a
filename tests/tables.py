"""Tables of lua/README.md, for the tests that compare it with what is so."""

from __future__ import annotations

from coordinator.store import source


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without backticks."""
    text = (source.root() / "README.md").read_text()
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert len(lines) > 2, f"no table under {heading}"
    return [[cell.strip().replace("`", "") for cell in line.split("|")[1:-1]] for line in lines[2:]]


def fields(kind: str) -> set[str]:
    """Return the documented fields of a record; `was:<claim>` stands for all of its form."""
    return {row[0].partition("<")[0] for row in rows(f"Fields of {kind}")}
