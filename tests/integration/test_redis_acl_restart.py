"""A restart of Redis with the configuration and the users of deploy/redis."""

from __future__ import annotations

import pytest
from servers import Server


@pytest.mark.parametrize("kind", ["redis7", "valkey"])
def test_transactions_outlive_a_restart(monkeypatch, new_server, kind):
    """What a transaction has written is read from the append-only file, though `default` is off."""
    monkeypatch.setattr(Server, "guarded", True)
    server = new_server(kind, aof=True)
    with server.client() as admin:
        admin.pipeline().set("one", 1).set("two", 2).execute()
    server.stop()
    server.start()
    with server.client() as admin:
        assert admin.mget("one", "two") == [b"1", b"2"]
