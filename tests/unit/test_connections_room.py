"""Which connections make room for new ones, and how."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from unittest.mock import Mock

import pytest

from coordinator.config import load
from coordinator.web.connections import IDLE, Connections


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


def _connection(blocked: float | None) -> Any:
    fields = {"since": 0.0, "fresh": False, "received": 0, "blocked": blocked}
    return Mock(phase=IDLE, **fields)
