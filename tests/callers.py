"""What clients do all the time while a test does something to the service; no call may fail."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from pipelines import activity, finish, new_group, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORKERS = 3


@contextmanager
def calling(connect: Callable[[], Any]) -> Iterator[None]:
    """Let threads work, look, and wait for tasks, all the time; no call of theirs may fail.

    Args:
        connect: makes a client, which should repeat no call; each thread has its own.
    """
    stop, idle = threading.Event(), new_group()
    calls = [*[_work] * WORKERS, _look, *[partial(_wait, idle)] * 2]
    with ExitStack() as stack:
        apis = [stack.enter_context(closing(connect())) for _ in calls]
        pool = stack.enter_context(ThreadPoolExecutor(len(calls)))
        ended = [
            pool.submit(_until, stop, partial(call, api))
            for call, api in zip(calls, apis, strict=True)
        ]
        try:
            yield
        finally:
            stop.set()
        with closing(connect()) as api:  # so that nobody waits any more
            start(api, activity("A", idle), activity("B", idle))
    for end in ended:
        end.result()


def _until(stop: threading.Event, call: Callable[[], None]) -> None:
    """Call once at least."""
    call()
    while not stop.is_set():
        call()


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
