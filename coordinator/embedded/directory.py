"""The data directory: private to its owner, and owned by one coordinator at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from coordinator.embedded.errors import EmbeddedError

PRIVATE = 0o700
LOCK_FILE = "coordinator.lock"


class DataDirectory:
    """A directory that this process holds from `acquire` to `release`."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links, and so lengthen the socket's path
        self._lock: int | None = None

    def acquire(self) -> Self:
        """Make the directory, mode 0700, and lock it.

        Raises:
            EmbeddedError: it cannot be made or is not fit, or another coordinator holds it.
        """
        try:
            self.path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            self._make_private()
            lock = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(
                f"The data directory {self.path} cannot be used: {error}."
            ) from error
        self._hold(lock)
        return self

    def release(self) -> None:
        """Let another coordinator have the directory.

        The file stays: removing it would let two processes lock two different files of one name.
        """
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make_private(self) -> None:
        """Close the directory to others, unless it serves others: nobody wants a private /tmp."""
        if not self.path.stat().st_mode & ~PRIVATE & 0o777:
            return
        names = {entry.name for entry in self.path.iterdir()} - {"lost+found"}
        if names and LOCK_FILE not in names:
            raise EmbeddedError(
                f"The data directory {self.path} is open to other users and holds other files: "
                "set COORDINATOR_DATA_DIR to a directory of its own."
            )
        self.path.chmod(PRIVATE)

    def _hold(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EmbeddedError(self._refusal(lock)) from error
        except OSError as error:
            os.close(lock)
            raise EmbeddedError(
                f"The data directory {self.path} cannot be locked: {error}."
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def _refusal(self, lock: int) -> str:
        """Say who holds the directory; the holder writes its pid just after it takes the lock."""
        pid = os.pread(lock, 32, 0).decode(errors="replace").strip()
        os.close(lock)
        return (
            f"The data directory {self.path} is in use by another coordinator "
            f"(pid {pid or 'not known yet'}): stop it, or set COORDINATOR_DATA_DIR to another."
        )
