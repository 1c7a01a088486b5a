"""The thread that starts Valkey, waits for its end, and starts it again."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from coordinator.embedded.errors import EmbeddedError
from coordinator.embedded.readiness import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coordinator.embedded.child import Child

logger = logging.getLogger(__name__)

LONG_LIFE_SECONDS = 10.0  # a server that lived so long is started again without a pause
PAUSE_STEP, LONGEST_PAUSE = 0.2, 5.0
STOP_SECONDS = 10.0


class Supervisor:
    """Keeps one server running from `start` to `stop`, in one thread that lives as long.

    The thread matters: the kernel ties the server's life to the thread that started it, see
    `launcher`.
    """

    def __init__(self, make_child: Callable[[], Child], socket: Path) -> None:
        self._make_child = make_child
        self._socket = socket
        self._child: Child | None = None
        self._failure: EmbeddedError | None = None
        self._settled = threading.Event()
        self._stopping = threading.Event()
        self._turn = threading.Lock()  # a child is either made before a stop, or not at all
        self._thread = threading.Thread(target=self._run, name="embedded-valkey", daemon=True)

    @property
    def pid(self) -> int | None:
        """The process id of the server; None while there is none."""
        child = self._child
        return child.pid if child is not None and child.exit_code() is None else None

    def start(self) -> None:
        """Return when the server is ready.

        Raises:
            EmbeddedError: it does not start; nothing is left running.
        """
        self._thread.start()
        self._settled.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Shut the server down in order, or by force after `STOP_SECONDS`."""
        with self._turn:
            self._stopping.set()
            child = self._child
        if child is not None:
            child.terminate()
            self._thread.join(STOP_SECONDS)
            child.kill()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._bring_up()
        except EmbeddedError as error:
            self._failure = error
        self._settled.set()
        if self._failure is None:
            self._keep_up()

    def _bring_up(self) -> None:
        with self._turn:
            if self._stopping.is_set():
                return
            self._child = child = self._make_child()
        wait_until_ready(child, self._socket)

    def _keep_up(self) -> None:
        """Start a server that ended again: at once the first time, then with growing pauses."""
        pause, born = 0.0, time.monotonic()
        while not self._ended():
            pause = 0.0 if time.monotonic() - born > LONG_LIFE_SECONDS else pause
            if self._stopping.wait(pause):
                return
            pause, born = min(pause + PAUSE_STEP, LONGEST_PAUSE), time.monotonic()
            self._bring_up_again()

    def _ended(self) -> bool:
        """Wait for the end of the server; return whether that was asked for."""
        if self._child is not None:
            code = self._child.wait()
            if not self._stopping.is_set():
                logger.error(
                    "Valkey (pid %d) ended with exit code %d: starting it again",
                    self._child.pid,
                    code,
                )
        return self._stopping.is_set()

    def _bring_up_again(self) -> None:
        try:
            self._bring_up()
        except EmbeddedError as error:
            if not self._stopping.is_set():
                logger.error("%s", error)  # noqa: TRY400 - a sentence; the traceback adds nothing
        else:
            logger.warning("Valkey runs again (pid %s)", self.pid)
