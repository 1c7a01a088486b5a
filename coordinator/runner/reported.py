"""What a handler has reported and the coordinator has not taken yet."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_FIELDS = 50  # of one report, on the wire


class Reported:
    """The last value of each key; one report at a time takes some out, and puts them back."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    def add(self, fields: Mapping[str, str]) -> None:
        """Note fields for the next report."""
        with self._lock:
            self._fields.update(fields)

    @contextlib.contextmanager
    def sending(self) -> Iterator[dict[str, str]]:
        """Take fields out for a report; what is left in them afterwards is for the next one."""
        with self._one_at_a_time:
            taken = self._take()
            try:
                yield taken
            finally:
                with self._lock:
                    self._fields = {**taken, **self._fields}

    def _take(self) -> dict[str, str]:
        with self._lock:
            taken = dict(list(self._fields.items())[:MOST_FIELDS])
            for key in taken:
                del self._fields[key]
            return taken
