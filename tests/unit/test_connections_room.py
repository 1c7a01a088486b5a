"""Which connections make room for new ones, or idle too long, and how they end."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from unittest.mock import Mock

import pytest

from coordinator.config import load
from coordinator.web.connections import IDLE, KEEP_ALIVE_SECONDS, Connections


@pytest.mark.parametrize(("blocked", "act"), [(None, "close"), (1.0, "abort")])
async def test_who_does_not_read_is_not_waited_for(blocked: float | None, act: str) -> None:
    """A close waits until the answer is read; who reads nothing would hold it for ever."""
    connections = Connections(load(max_connections=1), Counter())
    loop = asyncio.get_running_loop()
    first, second = (_connection(each) for each in (blocked, None))
    assert connections.enter(first, loop)
    assert connections.enter(second, loop)
    assert [name for name, _, _ in first.transport.method_calls] == [act]
    connections.leave(second)


@pytest.mark.parametrize(
    ("fresh", "longest", "limited"), [(False, KEEP_ALIVE_SECONDS, {}), (True, 10, {"time": 1})]
)
def test_idle_connections_are_closed(fresh: bool, longest: float, limited: dict[str, int]) -> None:
    """After a request one may idle for as long as clients keep connections, and no longer."""
    counted: Counter[str] = Counter()
    connections, loop = Connections(load(request_timeout=10), counted), Mock()
    connection = _connection(None, fresh=fresh)
    connections.enter(connection, loop)
    for now, closed in ((longest, 0), (longest + 0.5, 1)):
        _, sweep, *arguments = loop.call_later.call_args.args
        loop.time.return_value = now
        sweep(*arguments)
        assert connection.transport.close.call_count == closed
    assert counted == limited


def test_one_that_cannot_be_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    """It is cut off, and the others are looked at all the same, now and later."""
    connections, loop = Connections(load(request_timeout=10), Counter()), Mock()
    broken, silent = _connection(None, fresh=True), _connection(None, fresh=True)
    broken.transport.close.side_effect = RuntimeError("broken")
    connections.enter(broken, loop)
    connections.enter(silent, loop)
    _, sweep, *arguments = loop.call_later.call_args.args
    loop.time.return_value = 11
    sweep(*arguments)
    broken.transport.abort.assert_called_once_with()
    silent.transport.close.assert_called_once_with()
    assert (loop.call_later.call_count, "RuntimeError: broken" in caplog.text) == (2, True)


def _connection(blocked: float | None, *, fresh: bool = False) -> Any:
    fields = {"since": 0.0, "fresh": fresh, "received": 0, "blocked": blocked}
    transport = Mock(**{"is_closing.return_value": False})
    return Mock(phase=IDLE, transport=transport, **fields)
