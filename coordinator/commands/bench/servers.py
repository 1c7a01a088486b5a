"""The processes that a benchmark measures: pinned to one core, with their CPU time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

START_WITHIN = 30


class Measured:
    """A server process and what it has used of the processor."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.process = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """Return user and system time so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def floor_server(core: int) -> Iterator[Measured]:
    """Run the floor."""
    port = free_port()
    command = [sys.executable, "-m", "coordinator.commands.bench.floor", str(port)]
    with _running(command, port, {}, core) as measured:
        yield measured


@contextmanager
def replica_server(core: int, redis_url: str, **settings: str) -> Iterator[Measured]:
    """Run a replica on a Redis that is there."""
    port = free_port()
    command = [sys.executable, "-m", "coordinator.cli", "serve", "--port", str(port)]
    environment = {"COORDINATOR_REDIS_URL": redis_url, **settings}
    with _running(command, port, environment, core) as measured:
        yield measured


@contextmanager
def _running(
    command: list[str], port: int, environment: dict[str, str], core: int
) -> Iterator[Measured]:
    process = subprocess.Popen(  # noqa: S603 - a command of ours
        command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_up(process, f"http://127.0.0.1:{port}/healthz")
        measured = Measured(port, process.pid)
        measured.process.cpu_affinity([core])
        yield measured
    finally:
        process.terminate()
        process.wait(START_WITHIN)


def _wait_until_up(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - our own loopback URL
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{url} did not come up") from None
            time.sleep(0.05)
        else:
            return
