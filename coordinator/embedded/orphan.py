"""A server that was left behind on our socket: shut it down before another one opens its files."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, cast

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from coordinator.embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 2.0
END_SECONDS = 10.0
ASK_EVERY = 0.01
NO_RETRY = Retry(NoBackoff(), 0)


def shut_down(path: Path) -> None:
    """End the server that listens on `path`, if there is one, and wait until it is gone.

    The caller holds the directory's lock, so whoever listens here has lost its coordinator.

    Raises:
        EmbeddedError: there is one, and it cannot be ended.
    """
    pid = _listener(path)
    if pid is None:
        return
    logger.warning("a Valkey (pid %d) was left behind on %s: shutting it down", pid, path)
    _ask(path)
    try:
        _end(psutil.Process(pid), pid)
    except psutil.NoSuchProcess:
        return
    except psutil.Error as error:
        raise EmbeddedError(
            f"A Valkey (pid {pid}) left behind on {path} cannot be ended: {error}."
        ) from error


def _listener(path: Path) -> int | None:
    """Return the pid of the process that listens; on Linux the kernel knows, without its help."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ANSWER_SECONDS)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise EmbeddedError(f"The socket {path} cannot be used: {error}.") from error
        if sys.platform == "linux":
            peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return cast("int", struct.unpack("3i", peer)[0])
    return _asked_pid(path)


def _asked_pid(path: Path) -> int:
    with _client(path) as client:
        try:
            return int(cast("dict[str, int]", client.info("server"))["process_id"])
        except redis.RedisError as error:
            raise EmbeddedError(
                f"A server listens on {path} and does not say who it is ({error}): end it by hand."
            ) from error


def _ask(path: Path) -> None:
    """Ask for an orderly end. NOSAVE: an RDB file is of no use; the append-only file is synced."""
    with _client(path) as client, contextlib.suppress(redis.RedisError):
        client.shutdown(nosave=True)


def _end(process: psutil.Process, pid: int) -> None:
    if not _gone_within(process, END_SECONDS):
        process.kill()
        if not _gone_within(process, END_SECONDS):
            raise EmbeddedError(f"A Valkey that was left behind (pid {pid}) cannot be killed.")


def _gone_within(process: psutil.Process, seconds: float) -> bool:
    """Wait for its end. A zombie has ended: in a container there may be nobody to collect it."""
    deadline = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(ASK_EVERY)
    return True


def _client(path: Path) -> redis.Redis:
    return redis.Redis(
        unix_socket_path=str(path),
        socket_timeout=ANSWER_SECONDS,
        retry=NO_RETRY,
    )
