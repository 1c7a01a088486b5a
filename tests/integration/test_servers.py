"""The test servers themselves."""

from __future__ import annotations

import psutil
import pytest
from waiting import wait_until


def test_each_kind_of_server_starts_empty_and_answers(redis_server):
    """A shared server of each kind has no keys and takes a write."""
    with redis_server.client() as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_a_shared_server_is_emptied_between_tests(redis_server):
    """What the test before left in the shared server is gone."""
    with redis_server.client() as client:
        assert client.get("left") is None


def test_data_with_an_append_only_file_survives_a_kill(new_server):
    """A killed server with an append-only file has its data again after a restart."""
    server = new_server(aof=True, argv=["--appendfsync", "always"])
    with server.client() as client:
        client.set("kept", "yes")
        server.kill()
        server.restart()
        assert client.get("kept") == b"yes"


def test_a_paused_server_is_stopped_all_the_same(new_server):
    """Stopping a frozen server ends its process."""
    server = new_server()
    pid = server.pid
    server.pause()
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    server.stop()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
def test_a_cluster_covers_all_slots_and_survives_a_restart(new_cluster, kind):
    """A cluster takes keys for each primary, and knows its slots again after a restart."""
    cluster = new_cluster(kind, aof=True)
    for _ in range(2):
        with cluster.client() as client:
            for number in range(30):
                client.set(f"key{number}", number)
        assert all(_size(server) > 0 for server in cluster.servers)
        cluster.restart()


def _size(server):
    with server.client() as client:
        return client.dbsize()
