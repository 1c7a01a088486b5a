"""The life of the embedded server, with real processes that are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from embedded_process import answers, append, connect, gone, linux_only, listens
from waiting import wait_until

from coordinator.embedded import EmbeddedError, EmbeddedServer


def test_stop_ends_it_and_keeps_the_data(tmp_path):
    """After stop the process is gone; the next start, of the same object, has the data."""
    server = EmbeddedServer(tmp_path)
    with server, connect(server.url) as client:
        client.set("kept", "1")
        pid = server.pid
    assert gone(pid)
    assert server.pid is None
    with pytest.raises(EmbeddedError, match="not running"):
        _ = server.url
    with server, connect(server.url) as client:
        assert client.get("kept") == b"1"


@linux_only
def test_valkey_dies_with_a_killed_coordinator(tmp_path, coordinators):
    """A kill -9 of the coordinator ends Valkey, and what was answered is there after a restart."""
    process, url, pid = coordinators(tmp_path)
    with connect(url) as client:
        client.set("answered", "1")
    process.kill()
    wait_until(lambda: gone(pid), 15)
    _, url, _ = coordinators(tmp_path)
    with connect(url) as client:
        assert client.get("answered") == b"1"


@linux_only
def test_parent_that_died_first_is_noticed():
    """A launcher whose parent is already gone starts nothing."""
    launcher = Path(sys.modules["coordinator.embedded"].__file__).with_name("launcher.py")
    not_the_parent = str(os.getppid())
    result = subprocess.run(
        [sys.executable, "-I", "-S", launcher, not_the_parent, "/bin/echo", "started"],
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (75, b"")


def test_killed_valkey_is_started_again(tmp_path, caplog):
    """Each kill -9 of Valkey is logged and undone on the same URL, with the data."""
    with EmbeddedServer(tmp_path) as server, connect(server.url) as client:
        for count in (1, 2, 3):
            client.incr("kept")
            pid = server.pid
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: server.pid not in (None, pid))
            wait_until(lambda: answers(client))
            assert client.get("kept") == str(count).encode()
            assert f"Valkey (pid {pid}) ended with exit code -9" in caplog.text


def test_rewrite_left_by_a_killed_valkey_ends(tmp_path):
    """What Valkey forked to rewrite its file is ended with it, and its half-made file removed."""
    with EmbeddedServer(tmp_path) as server, connect(server.url) as client:
        client.config_set("rdb-key-save-delay", 100_000)
        client.mset({f"key{n}": "x" for n in range(1000)})
        client.bgrewriteaof()
        pid = server.pid
        helpers = wait_until(lambda: psutil.Process(pid).children())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: server.pid not in (None, pid))
        wait_until(lambda: all(gone(helper.pid) for helper in helpers))
        assert not list(tmp_path.glob("temp-*"))


def test_stop_during_restarts(tmp_path):
    """Stop is prompt and final while a server that cannot start is being started again."""
    server = EmbeddedServer(tmp_path)
    with server:
        pid = server.pid
        append(tmp_path, b"garbage\r\n" * 100)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: "Bad file format" in (tmp_path / "valkey.log").read_text())
    assert server.pid is None
    assert not (tmp_path / "valkey.sock").exists() or not listens(tmp_path / "valkey.sock")


def test_orphan_is_shut_down_first(tmp_path, orphan):
    """A server left behind is ended in order, and its data is served by the new one."""
    process, socket, log = orphan
    with connect(f"unix://{socket}") as client:
        client.set("kept", "1")
    with EmbeddedServer(tmp_path) as server, connect(server.url) as client:
        assert gone(process.pid)
        assert "ready to exit" in log.read_text()
        assert client.get("kept") == b"1"


@linux_only
def test_orphan_that_hangs_is_killed(tmp_path, orphan, monkeypatch):
    """A server left behind that answers nothing is ended by force."""
    process, _, log = orphan
    monkeypatch.setattr("coordinator.embedded.orphan.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("coordinator.embedded.orphan.END_SECONDS", 0.5)
    process.suspend()
    with EmbeddedServer(tmp_path) as server:
        assert gone(process.pid)
        assert "ready to exit" not in log.read_text()
        assert server.pid


def test_ctrl_c_reaches_only_the_coordinator(tmp_path, coordinators):
    """A SIGINT to the coordinator's process group leaves Valkey running until stop."""
    process, url, pid = coordinators(tmp_path)
    assert os.getpgid(pid) != process.pid
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    with connect(url) as client:
        assert client.info("server")["process_id"] == pid
    process.stdin.close()
    assert process.wait(10) == 0
    assert gone(pid)


def test_outlives_the_thread_that_started_it(tmp_path):
    """Valkey is bound to the coordinator, not to the thread that called start."""
    server = EmbeddedServer(tmp_path)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        client = stack.enter_context(connect(server.url))
        first = client.info("server")["process_id"]
        assert client.execute_command("WAIT", 1, 200) == 0  # time for a signal to arrive
        assert client.info("server")["process_id"] == first
