"""Cancellations that are not lost on their way."""

from __future__ import annotations

import asyncio


def heed_cancellation() -> None:
    """Raise CancelledError if the present task was asked to end.

    Call it after redis-py was used: it sends by way of `asyncio.wait_for`, and that of Python 3.11
    swallows a cancellation that comes while its call completes
    (https://github.com/python/cpython/issues/86296); so the task would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
