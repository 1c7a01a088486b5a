"""A server whose clock the tests step."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

import psutil
import pytest
from faketime import FROM_MS, SHARED, SteppedServer
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stepped() -> Iterator[SteppedServer]:
    """A running server whose clock stands still."""
    server = SteppedServer()
    server.start()
    yield server
    server.close()


def _now_ms(server: SteppedServer) -> int:
    with server.client() as client:
        seconds, micros = client.eval("return redis.call('TIME')", 0)
    return int(seconds) * 1000 + int(micros) // 1000


def test_a_standing_clock_shows_one_millisecond(stepped):
    """Scripts see just the millisecond that was set, however often they ask."""
    for now_ms in (FROM_MS + 86_400_123, FROM_MS - 1, *range(FROM_MS, FROM_MS + 100)):
        stepped.set_time(now_ms)
        assert {_now_ms(stepped) for _ in range(20)} == {now_ms}


def test_keys_go_when_the_clock_has_passed_their_time(stepped):
    """A TTL follows the stepped clock: the key is there at its time, and gone after it."""
    with stepped.client() as client:
        client.set("leased", "yes", px=1000)
        assert stepped.advance(1000) == FROM_MS + 1000
        assert client.get("leased") == b"yes"
        stepped.advance(1)
        assert client.get("leased") is None


@pytest.mark.parametrize("seconds", [30.0, -90.5])
def test_a_running_clock_has_an_offset(stepped, seconds):
    """With an offset the clock runs, ahead of the real one or behind it."""
    stepped.set_offset(seconds)
    before, seen, after = time(), _now_ms(stepped), time()
    assert before - 0.1 < seen / 1000 - seconds < after + 0.1
    wait_until(lambda: _now_ms(stepped) > seen)


def test_nothing_is_left_of_a_stepped_server(stepped):
    """After a restart the clock still stands, and at the end neither process nor memory is left."""
    stepped.advance(5)
    stepped.restart()
    assert _now_ms(stepped) == FROM_MS + 5
    pid = stepped.pid
    stepped.kill()
    assert not psutil.pid_exists(pid)
    assert not list(SHARED.glob(f"*faketime*_{pid}"))
