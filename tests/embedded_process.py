"""What the tests of the embedded server ask about servers, processes and files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from pathlib import Path

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")


def connect(url: str) -> redis.Redis:
    """Return a client that gives up at once."""
    return redis.from_url(url, socket_timeout=2, retry=Retry(NoBackoff(), 0))


def gone(pid: int) -> bool:
    """Whether a process has ended, even if nobody has collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def answers(client: redis.Redis) -> bool:
    """Whether the server answers, and has loaded its data."""
    try:
        return client.ping()
    except redis.RedisError:
        return False


def listens(socket: Path) -> bool:
    """Whether a server answers on a socket."""
    with connect(f"unix://{socket}") as client:
        return answers(client)


def append(data_dir: Path, data: bytes) -> None:
    """Write to the end of the append-only file in a data directory."""
    with next(data_dir.glob("appendonlydir/*.incr.aof")).open("ab") as file:
        file.write(data)
