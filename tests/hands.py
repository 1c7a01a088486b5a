"""Runners by hand that outlive replicas and servers: threads that poll, and do as they are told."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError
from pipelines import task_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from replicas import ReplicaProcess

    Result = tuple[str, str]  # task status, and a word about it
    Work = Callable[[dict[str, str]], Result]

PAUSE = 0.05
# What a call may be refused with while nothing is wrong: its lease was lost, or nobody answered.
PASSING = {"InternalServiceError", "TaskNotFoundException"}


class Hands:
    """`count` threads that take tasks of a group through any of the replicas.

    `work` gets the fields of a task's own object, and returns its status and a message. `taken` are
    the ids of the instances in the order in which they were handed out, `done` those whose result
    was taken, `fields` what was handed out last of each.
    """

    def __init__(
        self, replicas: Sequence[ReplicaProcess], group: str, work: Work, count: int = 1
    ) -> None:
        self.taken: list[str] = []
        self.done: list[str] = []
        self.fields: dict[str, dict[str, str]] = {}
        self.trouble: list[Exception] = []
        self._clients = [replica.client(attempts=3, read_timeout=5) for replica in replicas]
        self._group, self._work = group, work
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self.trouble, self.trouble

    def _run(self, number: int) -> None:
        while not self._stop.is_set():
            number += 1
            try:
                self._step(self._clients[number % len(self._clients)])
            except ClientError as error:
                if error.response["Error"]["Code"] not in PASSING:
                    self.trouble.append(error)
                time.sleep(PAUSE)
            except BotoCoreError:  # nobody is there
                time.sleep(PAUSE)

    def _step(self, api: Any) -> None:
        answer = api.poll_for_task(workerGroup=self._group, hostname="hands")
        if "taskObject" not in answer:
            return
        task = answer["taskObject"]
        fields = task_fields(task)
        instance = fields["@instanceParent"]
        self.taken.append(instance)
        self.fields[instance] = fields
        status, words = self._work(fields)
        told = {"errorId": words, "errorMessage": words} if status != "FINISHED" else {}
        api.set_task_status(taskId=task["taskId"], taskStatus=status, **told)
        if status == "FINISHED":
            self.done.append(instance)
