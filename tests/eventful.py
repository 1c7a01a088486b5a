"""A run in which all happens that dashboards show: two replicas, runners, and what goes wrong."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Self

from alarming import Receiver, alarm
from botocore.exceptions import BotoCoreError, ClientError
from pipelines import (
    Ref,
    activity,
    create,
    finish,
    ids,
    item,
    poll,
    put,
    schedule,
    scheduled,
    start,
    task_fields,
)
from processes import CommandProcess
from rawhttp import request
from replicas import ReplicaProcess, address_of
from scrape import samples
from servers import Server
from waiting import wait_until

from coordinator.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_BODY = 1_000_000  # bytes
SHORT = {
    "ACK_TIMEOUT": 1.5,
    "PROGRESS_TIMEOUT": 2,
    "STALE_AFTER": 0.8,
    "POLL_WAIT": 1,
    "REDIS_TIMEOUT": 0.3,  # shorter than a scrape may take
    "OUTAGE_THRESHOLD": 1,
    "OUTAGE_GRACE": 1,
    "RETRY_DELAY": 1,
    "MAX_BODY": MAX_BODY,
}
BEAT = 0.15  # seconds between two reports
STEADY = ("etl", "reports")
AWAY = 2.5  # seconds that Redis is gone


class Eventful:
    """Two replicas on a Valkey with an append-only file and a limit of memory, and runners.

    `begin` starts steady work on a schedule of one second. Each of the other methods is something
    that happens; `everything` lets them happen one after the other.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.server = Server("valkey", aof=True, argv=["--maxmemory", "200mb"])
        self.receiver = Receiver()
        self.server.start()
        more = {**SHORT, "ALARM_URL": self.receiver.url, "ADMIN_PORT": 0}
        self.replicas = [ReplicaProcess(self.server.url, **more) for _ in range(2)]
        self._clients: list[Any] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for replica in self.replicas:
            replica.start()
            # One repeat: REDIS_TIMEOUT is little on a busy machine.
            self._clients.append(replica.client(attempts=2, read_timeout=10))
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            client.close()
        for process in (*self.replicas, self.server):
            process.close()
        self.receiver.stop()

    @property
    def api(self) -> Any:
        """A client of the first replica."""
        return self._clients[0]

    @property
    def targets(self) -> list[str]:
        """Where the replicas have their metrics."""
        return [f"127.0.0.1:{replica.admin_port}" for replica in self.replicas]

    def begin(self) -> None:
        """Start runners by hand, and pipelines: a chain each second, and one that nobody takes."""
        for group, client in zip(STEADY, self._clients, strict=True):
            self._spawn(self._runner, client, group)
        chain = (
            scheduled("Extract", "etl"),
            scheduled("Load", "etl", dependsOn=Ref("Extract")),
            scheduled("Report", "reports", dependsOn=Ref("Load"), onSuccess=Ref("Good")),
        )
        start(self.api, *chain, schedule("1 second"), alarm("Good"))
        start(self.api, *(activity(f"Lonely{n}", "nobody") for n in range(4)))

    def everything(self) -> None:
        """Let everything happen."""
        for happens in (
            self.failures,
            self.an_alarm_that_fails,
            self.a_precondition,
            self.a_cancel,
            self.mistakes,
            self.a_client_that_leaves,
            self.two_polls_for_one_task,
            self.a_timer_that_is_none,
            self.lost_leases,
            self.a_killed_runner,
            self.mistakes,
            self.an_outage,
            self.a_backlog,
        ):
            happens()

    def failures(self) -> None:
        """A task fails, is retried, and fails for good."""
        start(self.api, activity("Flaky", "etl", maximumRetries="1"))

    def an_alarm_that_fails(self) -> None:
        """An alarm is refused three times, and then taken."""
        self.receiver.answers = [500, 500, 500]
        start(
            self.api, activity("Flaky", "etl", maximumRetries="0", onFail=Ref("Bad")), alarm("Bad")
        )

    def a_precondition(self) -> None:
        """A precondition is not satisfied at first."""
        check = {"type": "ShellCommandPrecondition", "command": "true", "retryDelay": "1 second"}
        work = activity("Guarded", "etl", precondition=Ref("Check"))
        start(self.api, work, item("Check", preconditionTimeout="3 seconds", **check))

    def a_cancel(self) -> None:
        """A task is canceled, and its holder told a little later."""
        pipeline = start(self.api, activity("Held", "held"))
        task = poll(self.api, "held")
        self._report(task)
        held = ids(self.api, pipeline)
        self.api.set_status(pipelineId=pipeline, objectIds=held, status="TRY_CANCEL")
        self._stop.wait(3 * BEAT)
        assert self._report(task)

    def a_client_that_leaves(self) -> None:
        """A client closes its connection while its claim is under way; the task goes back."""
        start(self.api, activity("Left", "left"))
        wait_until(self._leaves, 20)
        finish(self.api, wait_until(lambda: self._offered("left")))

    def two_polls_for_one_task(self) -> None:
        """A task wakes polls at both replicas, and one of them finds nothing."""
        over = threading.Event()
        polls = [
            threading.Thread(target=_poll_until, args=(over, client, "race"))
            for client in self._clients
        ]
        for thread in polls:
            thread.start()
        name = "group_waiters{local,race}"
        wait_until(lambda: all(samples(each).get(name) for each in self.replicas))
        start(self.api, activity("Race", "race"))
        over.set()
        for thread in polls:
            thread.join()

    def a_timer_that_is_none(self) -> None:
        """Something is among the timers that no version has put there."""
        with self.server.client() as client:
            now_s, _ = client.time()
            client.zadd(keys.key("timers", 0), {"nonsense": now_s * 1000})

    def lost_leases(self) -> None:
        """One lease is not acknowledged, another falls silent; both are handed out again."""
        start(self.api, *(activity(f"Lost{n}", "lost") for n in range(2)))
        first, second = poll(self.api, "lost"), poll(self.api, "lost")
        self._report(second)
        for _ in range(2):
            finish(self.api, wait_until(lambda: self._offered("lost")))
        for task in (first, second):
            assert self._report(task)

    def a_killed_runner(self) -> None:
        """A runner is killed in the middle of a task; another takes it."""
        start(self.api, activity("Work", "killed", command="sleep 60"))
        arguments = ["runner", "--endpoint", self.replicas[0].url, "--worker-group", "killed"]
        runner = CommandProcess(self._directory / "runner.log", arguments, {})
        wait_until(lambda: "Work" in runner.log, 30)
        runner.close()
        finish(self.api, wait_until(lambda: self._offered("killed"), 20))

    def mistakes(self) -> None:
        """Callers make mistakes: no such pipeline, twice the same, an altered handle, too much."""
        with suppress(ClientError):
            self.api.activate_pipeline(pipelineId="df-NOSUCHPIPELINE")
        start(self.api, activity("Twice", "twice"))
        call = {"amz-sdk-invocation-id": uuid.uuid4().hex}
        for attempt in (1, 2):
            said = {**call, "amz-sdk-request": f"attempt={attempt}; max=2"}
            answer = self.replicas[0].post("PollForTask", {"workerGroup": "twice"}, said)
        task = json.loads(answer.body)["taskObject"]
        finish(self.api, task)
        finish(self.api, task)
        with suppress(ClientError):
            self.api.report_task_progress(taskId=task["taskId"][:-4] + "AAAA")
        assert self.replicas[0].post("ListPipelines", b" " * (MAX_BODY + 1)).status == 413

    def an_outage(self) -> None:
        """Redis is killed while leases are out, and comes back."""
        start(self.api, activity("Waits", "outage"))
        self._report(poll(self.api, "outage"))
        self.server.kill()
        until = time.monotonic() + AWAY
        while time.monotonic() < until:
            with suppress(ClientError):
                self.api.list_pipelines()
            self._stop.wait(BEAT)
        self.server.start()
        wait_until(self.replicas[0].ready, 20)
        finish(self.api, wait_until(lambda: self._offered("outage"), 20))

    def a_backlog(self) -> None:
        """More work than the runners can do, deleted before they are through."""
        pipeline = create(self.api)
        put(self.api, pipeline, *(activity(f"Bulk{n}", "reports") for n in range(400)))
        self.api.activate_pipeline(pipelineId=pipeline)
        self._stop.wait(10 * BEAT)
        self.api.delete_pipeline(pipelineId=pipeline)

    def _spawn(self, target: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments))
        self._threads[-1].start()

    def _runner(self, client: Any, group: str) -> None:
        while not self._stop.is_set():
            try:
                if task := client.poll_for_task(workerGroup=group).get("taskObject"):
                    self._work(client, task)
            except (ClientError, BotoCoreError):  # Redis is away
                self._stop.wait(BEAT)

    def _work(self, client: Any, task: Any) -> None:
        """Report twice, then set a result that depends on the component's name."""
        component = task_fields(task)["@componentParent"]
        for _ in range(2):
            client.report_task_progress(taskId=task["taskId"])
            self._stop.wait(BEAT)
        status = {"Flaky": "FAILED", "Check": "FALSE"}.get(component, "FINISHED")
        told = {"errorId": "Flaky", "errorMessage": "It fails."} if status == "FAILED" else {}
        finish(client, task, status, **told)

    def _leaves(self) -> bool:
        """Poll and go while Redis is silent; say whether the task was given back."""
        replica = self.replicas[0]
        before = samples(replica)["given_back"]
        self.server.pause()
        with closing(socket.create_connection(address_of(replica))) as client:
            client.sendall(request("PollForTask", {"workerGroup": "left"}))
            self._stop.wait(BEAT)
        self.server.resume()
        with suppress(TimeoutError):
            return bool(wait_until(lambda: samples(replica)["given_back"] > before, 1))
        return False

    def _report(self, task: Any) -> bool:
        canceled: bool = self.api.report_task_progress(taskId=task["taskId"])["canceled"]
        return canceled

    def _offered(self, group: str) -> Any:
        with suppress(ClientError):
            return self.api.poll_for_task(workerGroup=group).get("taskObject")
        return None


def _poll_until(over: threading.Event, client: Any, group: str) -> None:
    """Poll, and again where a poll ends before it is over; finish what there is to do."""
    while not over.is_set():
        if task := client.poll_for_task(workerGroup=group).get("taskObject"):
            finish(client, task)
