"""What clients do all the time while a test does something to the service; no call may fail."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from pipelines import activity, finish, new_group, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORKERS = 3
CONNECT_SECONDS = 60


@contextmanager
def calling(connect: Callable[[], Any]) -> Iterator[None]:
    """Let threads work, look, and wait for tasks, all the time; no call of theirs may fail.

    Args:
        connect: makes a client, which should repeat no call; each thread has its own.
    """
    stop, idle = threading.Event(), new_group()
    callers = [*[_work] * WORKERS, _look, *[partial(_wait, idle)] * 2]
    connected = threading.Barrier(len(callers) + 1, timeout=CONNECT_SECONDS)
    with ThreadPoolExecutor(len(callers)) as pool:
        ended = [pool.submit(_until, stop, connect, connected, caller) for caller in callers]
        try:
            connected.wait()
            yield
        finally:
            stop.set()
        with closing(connect()) as api:  # so that nobody waits any more
            start(api, activity("A", idle), activity("B", idle))
    for end in ended:
        end.result()


def _until(
    stop: threading.Event,
    connect: Callable[[], Any],
    connected: threading.Barrier,
    call: Callable[[Any], None],
) -> None:
    """Call once at least, all threads from the same moment on."""
    with closing(connect()) as api:
        connected.wait()
        call(api)
        while not stop.is_set():
            call(api)


def _work(api: Any) -> None:
    """Do a task, from its pipeline to its end."""
    group = new_group()
    start(api, activity("A", group))
    while not (task := api.poll_for_task(workerGroup=group).get("taskObject")):
        pass  # a replica that is told to stop answers at once
    for _ in range(5):
        assert not api.report_task_progress(taskId=task["taskId"])["canceled"]
    finish(api, task)


def _look(api: Any) -> None:
    api.list_pipelines()


def _wait(group: str, api: Any) -> None:
    api.poll_for_task(workerGroup=group)
