"""Where the unix socket is: in the data directory if its path is short enough for one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from coordinator.embedded.errors import EmbeddedError

# sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, with the NUL at the end.
LONGEST = 100
SOCKET_FILE = "valkey.sock"
NOTE_FILE = "socket.path"
FORBIDDEN_MODE = 0o077


def choose(directory: Path) -> Path:
    """Return the path of the socket, the same one at each start for as long as that is possible.

    A directory whose path is too long gets a short private one for the socket, noted down in it, so
    that the next start finds a server which was left behind.

    Raises:
        EmbeddedError: there is no place whose path is short enough.
    """
    path = directory / SOCKET_FILE
    return path if _fits(path) else _noted(directory) or _make_short(directory)


def forget(directory: Path, path: Path) -> None:
    """Remove what `choose` made outside the data directory."""
    if path.parent != directory:
        shutil.rmtree(path.parent, ignore_errors=True)
        (directory / NOTE_FILE).unlink(missing_ok=True)


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST


def _noted(directory: Path) -> Path | None:
    """Return the noted path, unless its directory is gone or might be somebody else's by now."""
    try:
        path = Path(os.fsdecode((directory / NOTE_FILE).read_bytes()))
        place = path.parent.lstat()
    except OSError:
        return None
    private = place.st_uid == os.geteuid() and not place.st_mode & FORBIDDEN_MODE
    return path if private and path.parent.is_dir() and not path.parent.is_symlink() else None


def _make_short(directory: Path) -> Path:
    for base in dict.fromkeys([tempfile.gettempdir(), "/tmp"]):  # noqa: S108 - mkdtemp makes a private directory in it
        if _fits(Path(base) / "coordinator-XXXXXXXX" / SOCKET_FILE):
            path = Path(tempfile.mkdtemp(prefix="coordinator-", dir=base)) / SOCKET_FILE
            (directory / NOTE_FILE).write_bytes(os.fsencode(path))
            return path
    raise EmbeddedError(
        f"{directory} is too deep for a unix socket and so is {tempfile.gettempdir()}: "
        "set COORDINATOR_DATA_DIR or TMPDIR to a shorter path."
    )
