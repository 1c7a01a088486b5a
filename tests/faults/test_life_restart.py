"""A rolling restart of two replicas under load, behind a balancer that knows connections only."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from pipelines import activity, finish, start, statuses
from waiting import wait_until

from coordinator.commands.demo.balancer import Balancer

if TYPE_CHECKING:
    from collections.abc import Callable

    from replicas import ReplicaProcess
    from servers import Server

RUNNERS, ROUNDS, TASKS = 10, 2, 30
REPORTS = 3
pytestmark = pytest.mark.timeout(300)


def default_client(url: str) -> Any:
    """A client as the README makes it: how often and when it repeats is botocore's own choice."""
    session = boto3.Session(region_name="us-east-1")
    config = Config(signature_version=UNSIGNED)
    return session.client("datapipeline", endpoint_url=url, config=config)


class Runners:
    """Runners that poll, report and finish until they are told to stop; no call may fail."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stop = threading.Event()
        self.handed_out: Counter[tuple[str, str]] = Counter()
        self.finished = 0
        self.repeated = 0
        self._lock = threading.Lock()

    def run(self) -> None:
        """Be one runner."""
        with closing(default_client(self.url)) as api:
            api.meta.events.register("after-call.datapipeline", self._note)
            while not self.stop.is_set():
                answer = api.poll_for_task(workerGroup="rolling", hostname="h")
                if "taskObject" in answer:
                    self._work(api, answer["taskObject"])

    def _work(self, api: Any, task: dict[str, Any]) -> None:
        with self._lock:
            self.handed_out[task["pipelineId"], task["attemptId"]] += 1
        for percent in range(REPORTS):
            fields = [{"key": "percentComplete", "stringValue": str(percent)}]
            assert not api.report_task_progress(taskId=task["taskId"], fields=fields)["canceled"]
        finish(api, task)
        with self._lock:
            self.finished += 1

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        with self._lock:
            self.repeated += parsed["ResponseMetadata"]["RetryAttempts"]


@pytest.mark.parametrize("drain_delay", [1, 0])
def test_a_rolling_restart_fails_no_call(
    valkey: Server,
    new_replica: Callable[..., ReplicaProcess],
    capsys: pytest.CaptureFixture[str],
    drain_delay: int,
) -> None:
    """Every poll, report and result succeeds, by the SDK's own repeats; each task goes out once."""
    replicas = [new_replica(valkey.url, POLL_WAIT=5, DRAIN_DELAY=drain_delay) for _ in range(2)]
    with ExitStack() as stack:
        balancer = stack.enter_context(Balancer([replica.port for replica in replicas]))
        runners = Runners(balancer.url)
        pool = stack.enter_context(ThreadPoolExecutor(RUNNERS))
        stack.callback(runners.stop.set)
        running = [pool.submit(runners.run) for _ in range(RUNNERS)]
        operator = stack.enter_context(closing(default_client(balancer.url)))
        pipelines = []
        for _ in range(ROUNDS):
            for replica in replicas:
                pipelines.append(_activate(operator))
                wait_until(lambda: runners.finished > len(pipelines) * TASKS - TASKS, 60)
                assert replica.stop() == 0
                replica.start()
        wait_until(lambda: runners.finished == len(pipelines) * TASKS, 120)
        for pipeline in pipelines:
            assert set(statuses(operator, pipeline).values()) == {"FINISHED"}
        runners.stop.set()
        for each in running:
            each.result(60)
    assert set(runners.handed_out.values()) == {1}
    assert len(runners.handed_out) == len(pipelines) * TASKS
    assert all(attempt.endswith("_Attempt=1") for _, attempt in runners.handed_out)
    with capsys.disabled():
        count = runners.finished * (REPORTS + 2)
        print(f"\n{2 * ROUNDS} restarts, {count} calls about tasks, {runners.repeated} repeated")  # noqa: T201 - the figures are the point


def _activate(operator: Any) -> str:
    parts = [activity(f"A{number}", "rolling") for number in range(TASKS)]
    return start(operator, *parts)
