"""The data directory of the embedded server: private, owned once, readable again."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import psutil
import pytest
from embedded_process import append, connect, gone, linux_only
from waiting import wait_until

from coordinator.embedded import EmbeddedError, EmbeddedServer


def test_starts_ready_and_private(tmp_path):
    """It answers when start returns, is configured as promised, and only its user can reach it."""
    data_dir = tmp_path / "deep" / "data"
    with EmbeddedServer(data_dir) as server, connect(server.url) as client:
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
    with EmbeddedServer(tmp_path, appendfsync="always") as server, connect(server.url) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_second_coordinator_is_refused(tmp_path, coordinators):
    """The sentence names the directory and the process that holds it, which goes on undisturbed."""
    holder, url, _ = coordinators(tmp_path)
    with pytest.raises(EmbeddedError) as refusal:
        EmbeddedServer(tmp_path).start()
    assert str(tmp_path) in str(refusal.value)
    assert f"pid {holder.pid})" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    with connect(url) as client:
        assert client.ping()


@linux_only
def test_lock_is_not_inherited(tmp_path):
    """Valkey has no file of the coordinator open, so the lock ends with the coordinator."""
    with EmbeddedServer(tmp_path) as server:
        files = [file.path for file in psutil.Process(server.pid).open_files()]
    assert not [path for path in files if path.endswith(".lock")]


def test_truncated_tail_does_not_stop_the_start(tmp_path):
    """A command that was only half written is dropped; all before it is there."""
    with EmbeddedServer(tmp_path) as server, connect(server.url) as client:
        client.set("kept", "1")
    append(tmp_path, b"*3\r\n$3\r\nSET\r\n$4\r\nlost\r\n$100\r\nha")
    with EmbeddedServer(tmp_path) as server, connect(server.url) as client:
        assert client.keys() == [b"kept"]


def test_damaged_file_is_explained(tmp_path):
    """A file that Valkey refuses gives its own words, and leaves the directory free."""
    with EmbeddedServer(tmp_path) as server, connect(server.url) as client:
        client.set("kept", "1")
    append(tmp_path, b"garbage\r\n" * 100)
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
    with EmbeddedServer(data_dir) as server, connect(server.url) as client:
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
    process.wait()
    wait_until(lambda: gone(pid))
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
