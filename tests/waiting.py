"""Wait for a condition with a deadline: the only place of the tests that sleeps."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

STEP = 0.01


def wait_until(predicate: Callable[[], Any], timeout: float = 10) -> Any:
    """Call `predicate` until it is true and return its value.

    Raises:
        TimeoutError: it was still false after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {timeout} s: {_source(predicate)}")
        time.sleep(STEP)
    return value


async def eventually(predicate: Callable[[], Any], timeout: float = 10) -> Any:  # noqa: ASYNC109 - the same words as wait_until
    """Call `predicate` (plain or async) until it is true and return its value.

    Raises:
        TimeoutError: it was still false after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not (value := await _value(predicate)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {timeout} s: {_source(predicate)}")
        await asyncio.sleep(STEP)
    return value


async def pass_time(seconds: float) -> None:
    """Let time pass where the passing of time is what is tested."""
    deadline = time.monotonic() + seconds
    await eventually(lambda: time.monotonic() > deadline, seconds + 10)


async def _value(predicate: Callable[[], Any]) -> Any:
    value = predicate()
    return await value if inspect.isawaitable(value) else value


def _source(predicate: Callable[[], Any]) -> str:
    """Return the text of the condition, for the message."""
    try:
        return inspect.getsource(predicate).strip()
    except (OSError, TypeError):
        return repr(predicate)
