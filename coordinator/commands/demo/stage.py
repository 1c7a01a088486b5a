"""What the demo runs on: a server, two replicas behind a balancer, three runners."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from coordinator.commands.demo.api import Api
from coordinator.commands.demo.balancer import Balancer
from coordinator.commands.demo.definition import WORKER_GROUP
from coordinator.commands.demo.processes import COORDINATOR, Process, Processes
from coordinator.embedded import EmbeddedServer

if TYPE_CHECKING:
    from pathlib import Path

REPLICAS = ("replica 1", "replica 2")
RUNNERS = ("A", "B", "C")
TASKS_EACH = 2
ACK_SECONDS = 4
SERVING = r"serving the AWS Data Pipeline API on http://127\.0\.0\.1:(\d+)"


class Stage:
    """Everything that runs for the demo; a context manager that leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.replicas: dict[str, Process] = {}
        self.runners: dict[str, Process] = {}
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            server = stack.enter_context(EmbeddedServer(self._folder / "data"))
            _set_environment(server.url)
            self.processes = stack.enter_context(Processes(self._folder))
            self._start_replicas()
            self.balancer = stack.enter_context(Balancer([*self.ports.values()]))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start_runners(self) -> None:
        """Start them; all talk to the balancer."""
        options = ["--endpoint", self.balancer.url, "--worker-group", WORKER_GROUP]
        options += ["--tasks", str(TASKS_EACH), "--grace", "1"]
        for name in RUNNERS:
            self.runners[name] = self.processes.start(
                f"runner {name}", [*COORDINATOR, "runner", *options, "--runner-id", name]
            )

    def api(self) -> Api:
        """Return a client that talks to the balancer, as the runners do."""
        return Api(self.balancer.url)

    def living_ports(self) -> list[int]:
        """Return the ports of the replicas that nobody killed."""
        return [self.ports[name] for name, replica in self.replicas.items() if replica.lives]

    def _start_replicas(self) -> None:
        for name in REPLICAS:
            self.replicas[name] = self.processes.start(name, [*COORDINATOR, "serve", "--port", "0"])
        for name, replica in self.replicas.items():
            self.ports[name] = int(replica.wait_for(SERVING)[1])


def _set_environment(redis_url: str) -> None:
    """Let nothing in from outside: settings, credentials, a proxy for 127.0.0.1."""
    for name in list(os.environ):
        if name.startswith(("COORDINATOR_", "AWS_")):
            del os.environ[name]
    os.environ |= {
        "COORDINATOR_REDIS_URL": redis_url,
        "COORDINATOR_ACK_TIMEOUT": str(ACK_SECONDS),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
