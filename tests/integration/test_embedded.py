"""The embedded Valkey, with real processes that are killed."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from waiting import wait_until

from coordinator.embedded import EmbeddedError, EmbeddedServer
from coordinator.embedded.child import _arguments, get_binary_path

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
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")


def _connect(url: str) -> redis.Redis:
    return redis.from_url(url, socket_timeout=2, retry=Retry(NoBackoff(), 0))


def _gone(pid: int) -> bool:
    """Whether a process has ended, even if nobody has collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


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


def test_starts_ready_and_private(tmp_path):
    """It answers when start returns, is configured as promised, and only its user can reach it."""
    data_dir = tmp_path / "deep" / "data"
    with EmbeddedServer(data_dir) as server, _connect(server.url) as client:
        assert client.ping()
        config = client.config_get("*")
        socket = Path(config["unixsocket"])
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (data_dir, socket)]
        no_tcp = not psutil.Process(server.pid).net_connections("inet")
    assert modes == [0o700, 0o700]
    assert no_tcp
    assert {name: config[name] for name in ("port", "appendonly", "appendfsync", "save")} == {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
    }
    assert config["maxmemory-policy"] == "noeviction"
    assert set(config["notify-keyspace-events"]) == set("xE")


def test_open_directory_is_closed(tmp_path):
    """An empty directory that others could look into is made private."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    data_dir.chmod(0o755)
    with EmbeddedServer(data_dir):
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        files = [path for path in data_dir.rglob("*") if not path.is_dir()]
        assert not [path for path in files if path.stat().st_mode & 0o077]


def test_directory_of_others_is_left_alone(tmp_path):
    """A directory that others use is refused with a sentence, and keeps its mode."""
    data_dir = tmp_path / "shared"
    data_dir.mkdir()
    data_dir.chmod(0o777)
    (data_dir / "of-somebody-else").touch()
    with pytest.raises(EmbeddedError, match=f"{data_dir} is open to other users"):
        EmbeddedServer(data_dir).start()
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o777


def test_always_syncs_each_write(tmp_path):
    """The stronger durability reaches the server."""
    with EmbeddedServer(tmp_path, appendfsync="always") as server, _connect(server.url) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_stop_ends_it_and_keeps_the_data(tmp_path):
    """After stop the process is gone; the next start, of the same object, has the data."""
    server = EmbeddedServer(tmp_path)
    with server, _connect(server.url) as client:
        client.set("kept", "1")
        pid = server.pid
    assert _gone(pid)
    assert server.pid is None
    with pytest.raises(EmbeddedError, match="not running"):
        _ = server.url
    with server, _connect(server.url) as client:
        assert client.get("kept") == b"1"


def test_second_coordinator_is_refused(tmp_path, coordinators):
    """The sentence names the directory and the process that holds it, which goes on undisturbed."""
    holder, url, _ = coordinators(tmp_path)
    with pytest.raises(EmbeddedError) as refusal:
        EmbeddedServer(tmp_path).start()
    assert str(tmp_path) in str(refusal.value)
    assert f"pid {holder.pid})" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    with _connect(url) as client:
        assert client.ping()


@linux_only
def test_lock_is_not_inherited(tmp_path):
    """Valkey has no file of the coordinator open, so the lock ends with the coordinator."""
    with EmbeddedServer(tmp_path) as server:
        files = [file.path for file in psutil.Process(server.pid).open_files()]
    assert not [path for path in files if path.endswith(".lock")]


@linux_only
def test_valkey_dies_with_a_killed_coordinator(tmp_path, coordinators):
    """A kill -9 of the coordinator ends Valkey, and what was answered is there after a restart."""
    process, url, pid = coordinators(tmp_path)
    with _connect(url) as client:
        client.set("answered", "1")
    process.kill()
    wait_until(lambda: _gone(pid), 5)
    _, url, _ = coordinators(tmp_path)
    with _connect(url) as client:
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
    with EmbeddedServer(tmp_path) as server, _connect(server.url) as client:
        for count in (1, 2, 3):
            client.incr("kept")
            pid = server.pid
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: server.pid not in (None, pid))
            wait_until(lambda: _answers(client))
            assert client.get("kept") == str(count).encode()
            assert f"Valkey (pid {pid}) ended with exit code -9" in caplog.text


def _answers(client: redis.Redis) -> bool:
    try:
        return client.ping()
    except redis.RedisError:
        return False


def test_rewrite_left_by_a_killed_valkey_ends(tmp_path):
    """What Valkey forked to rewrite its file is ended with it, and its half-made file removed."""
    with EmbeddedServer(tmp_path) as server, _connect(server.url) as client:
        client.config_set("rdb-key-save-delay", 100_000)
        client.mset({f"key{n}": "x" for n in range(1000)})
        client.bgrewriteaof()
        pid = server.pid
        helpers = wait_until(lambda: psutil.Process(pid).children())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: server.pid not in (None, pid))
        wait_until(lambda: all(_gone(helper.pid) for helper in helpers))
        assert not list(tmp_path.glob("temp-*"))


def test_stop_during_restarts(tmp_path):
    """Stop is prompt and final while a server that cannot start is being started again."""
    server = EmbeddedServer(tmp_path)
    with server:
        pid = server.pid
        _append(tmp_path, b"garbage\r\n" * 100)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: "Bad file format" in (tmp_path / "valkey.log").read_text())
    assert server.pid is None
    assert not (tmp_path / "valkey.sock").exists() or not _listens(tmp_path / "valkey.sock")


def _listens(socket: Path) -> bool:
    with _connect(f"unix://{socket}") as client:
        return _answers(client)


def _append(data_dir: Path, data: bytes) -> None:
    with next(data_dir.glob("appendonlydir/*.incr.aof")).open("ab") as file:
        file.write(data)


def test_truncated_tail_does_not_stop_the_start(tmp_path):
    """A command that was only half written is dropped; all before it is there."""
    with EmbeddedServer(tmp_path) as server, _connect(server.url) as client:
        client.set("kept", "1")
    _append(tmp_path, b"*3\r\n$3\r\nSET\r\n$4\r\nlost\r\n$100\r\nha")
    with EmbeddedServer(tmp_path) as server, _connect(server.url) as client:
        assert client.keys() == [b"kept"]


def test_damaged_file_is_explained(tmp_path):
    """A file that Valkey refuses gives its own words, and leaves the directory free."""
    with EmbeddedServer(tmp_path) as server, _connect(server.url) as client:
        client.set("kept", "1")
    _append(tmp_path, b"garbage\r\n" * 100)
    for _ in range(2):
        with pytest.raises(EmbeddedError, match="ended with exit code 1") as failure:
            EmbeddedServer(tmp_path).start()
        assert "Bad file format" in str(failure.value)


def test_directory_that_cannot_be_made(tmp_path):
    """A file in the way gives a sentence that names the directory."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=f"{tmp_path}/file/data cannot be used"):
        EmbeddedServer(tmp_path / "file" / "data").start()


def test_deep_directory_gets_a_short_socket(tmp_path):
    """Where the path is too long for a socket, a private directory elsewhere serves, until stop."""
    data_dir = tmp_path / ("deep" * 20) / ("deeper" * 10)
    with EmbeddedServer(data_dir) as server, _connect(server.url) as client:
        assert client.ping()
        place = Path(server.url.removeprefix("unix://")).parent
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert data_dir not in place.parents
    assert not place.exists()


@linux_only
def test_short_socket_is_found_again(tmp_path, coordinators):
    """After a kill -9 the next start uses the socket that was noted down."""
    data_dir = tmp_path / ("deep" * 20) / ("deeper" * 10)
    process, url, pid = coordinators(data_dir)
    process.kill()
    wait_until(lambda: _gone(pid))
    with EmbeddedServer(data_dir) as server:
        assert server.url == url


def test_short_socket_in_a_foreign_place_is_not_used(tmp_path):
    """A noted directory that others can write to is not trusted."""
    data_dir = tmp_path / ("deep" * 20) / ("deeper" * 10)
    data_dir.mkdir(mode=0o700, parents=True)
    foreign = tmp_path / "open"
    foreign.mkdir()
    foreign.chmod(0o777)
    (data_dir / "socket.path").write_text(str(foreign / "valkey.sock"))
    with EmbeddedServer(data_dir) as server:
        assert str(foreign) not in server.url
    assert foreign.exists()


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
    wait_until(lambda: _listens(socket))
    process = psutil.Process(pid)
    yield process, socket, log
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def test_orphan_is_shut_down_first(tmp_path, orphan):
    """A server left behind is ended in order, and its data is served by the new one."""
    process, socket, log = orphan
    with _connect(f"unix://{socket}") as client:
        client.set("kept", "1")
    with EmbeddedServer(tmp_path) as server, _connect(server.url) as client:
        assert _gone(process.pid)
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
        assert _gone(process.pid)
        assert "ready to exit" not in log.read_text()
        assert server.pid


def test_ctrl_c_reaches_only_the_coordinator(tmp_path, coordinators):
    """A SIGINT to the coordinator's process group leaves Valkey running until stop."""
    process, url, pid = coordinators(tmp_path)
    assert os.getpgid(pid) != process.pid
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"
    with _connect(url) as client:
        assert client.info("server")["process_id"] == pid
    process.stdin.close()
    assert process.wait(10) == 0
    assert _gone(pid)


def test_outlives_the_thread_that_started_it(tmp_path):
    """Valkey is bound to the coordinator, not to the thread that called start."""
    server = EmbeddedServer(tmp_path)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        client = stack.enter_context(_connect(server.url))
        first = client.info("server")["process_id"]
        assert client.execute_command("WAIT", 1, 200) == 0  # time for a signal to arrive
        assert client.info("server")["process_id"] == first


def test_long_log_is_put_aside(tmp_path):
    """The log of earlier starts does not grow for ever."""
    (tmp_path / "valkey.log").write_bytes(b"x" * ((1 << 20) + 1))
    with EmbeddedServer(tmp_path):
        assert (tmp_path / "valkey.log").stat().st_size < 100_000
        assert (tmp_path / "valkey.log.1").stat().st_size > 1 << 20


def test_nothing_is_logged_for_an_ordinary_life(tmp_path, caplog):
    """Start and stop without trouble warn of nothing."""
    caplog.set_level(logging.WARNING, "coordinator.embedded")
    with EmbeddedServer(tmp_path):
        pass
    assert not caplog.records
