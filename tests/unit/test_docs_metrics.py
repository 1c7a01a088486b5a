"""docs/metrics.md lists the families that there are."""

from __future__ import annotations

from metrics_table import ROWS

from coordinator.web.exposition import FAMILIES


def test_the_table() -> None:
    """Each family stands in the table with its type, labels and meaning, and nothing else does."""
    assert [tuple(row) for row in ROWS] == [
        (f.full_name, f.kind, f.labels, f.help) for f in FAMILIES
    ]


def test_each_name_is_there_once() -> None:
    """No two families have one name."""
    assert len({family.full_name for family in FAMILIES}) == len(FAMILIES)
