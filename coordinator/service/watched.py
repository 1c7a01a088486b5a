"""Files that are read again when they change.

A file that has just changed may still be written to, so that a change counts when the files have
stood still from one look to the next; who replaces one by a rename loses nothing but one period.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PERIOD = 0.5  # seconds from one look to the next

Look = tuple[int, ...]


class Watched:
    """Some files that belong together, and how they were when they were read last."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._seen = self._read = self._look()

    def changed(self) -> bool:
        """Whether they are to be read again; says so once for each change."""
        seen, self._seen = self._seen, self._look()
        if self._seen == self._read or self._seen != seen:
            return False
        self._read = self._seen
        return True

    def _look(self) -> tuple[Look, ...]:
        return tuple(map(_look, self._paths))


def _look(path: Path) -> Look:
    """Return what changes when a file does; empty where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
