"""docs/metrics.md lists the families that there are."""

from __future__ import annotations

from pathlib import Path

from coordinator.web.exposition import FAMILIES

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_table() -> None:
    """Each family stands in the table with its type, labels and meaning, and nothing else does."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `coordinator_")]
    rows = [tuple(cell.strip().strip("`") for cell in line.split("|")[1:-1]) for line in lines]
    wanted = [(f.full_name, f.kind, ", ".join(f.labels), f.help) for f in FAMILIES]
    assert rows == wanted


def test_each_name_is_there_once() -> None:
    """No two families have one name."""
    assert len({family.full_name for family in FAMILIES}) == len(FAMILIES)
