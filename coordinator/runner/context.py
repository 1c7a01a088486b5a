"""What a handler can do besides its work: report, and learn that it has to stop."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from coordinator.runner.errors import CanceledError
from coordinator.runner.group import KILL_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coordinator.runner.guard import Guard

logger = logging.getLogger(__name__)


class Context:
    """One task's: made for each, given to its handler, usable from any thread.

    `canceled` is an Event that is set when the work has to stop; `reason` says why, in words: it
    was canceled, its lease was lost, or the runner stops. `kill_after` is how many seconds a
    process may then take to end by itself.
    """

    def __init__(
        self, report: Callable[[Mapping[str, str]], None], guard: Guard | None = None
    ) -> None:
        self._report = report
        self.guard = guard
        self.canceled = threading.Event()
        self.reason = ""
        self.kill_after = KILL_AFTER
        self._callbacks: list[Callable[[str], None]] = []
        self._lock = threading.Lock()

    def report(self, fields: Mapping[str, object] | None = None, /, **more: object) -> None:
        """Report fields: shown at the attempt, and given to the next one as ``task.previous``.

        It does not wait: they go out with the next report, which is sent within a second. Of a key
        that is reported again before that, only the last value goes out.
        """
        self._report({key: str(value) for key, value in {**(fields or {}), **more}.items()})

    @property
    def in_a_hurry(self) -> bool:
        """Whether the work has to stop because the runner does, which leaves little time."""
        return self.kill_after < KILL_AFTER

    def raise_if_canceled(self) -> None:
        """Go on only if the work may go on.

        Raises:
            CanceledError: it has to stop.
        """
        if self.canceled.is_set():
            raise CanceledError(self.reason)

    def on_lost(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the reason when the work has to stop; at once if it had to already.

        It is called from another thread, and must return soon.
        """
        with self._lock:
            if not self.canceled.is_set():
                self._callbacks.append(callback)
                return
        _call(callback, self.reason)

    def cancel(self, reason: str, kill_after: float = KILL_AFTER) -> None:
        """Tell the handler to stop; for the runner, and for tests. The first reason counts."""
        with self._lock:
            self.kill_after = kill_after
            if self.canceled.is_set():
                return
            self.reason = reason
            self.canceled.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            _call(callback, reason)


def _call(callback: Callable[[str], None], reason: str) -> None:
    try:
        callback(reason)
    except Exception:
        logger.exception("a callback of on_lost failed")
