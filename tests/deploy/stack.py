"""The stack of docker-compose.yml in containers, by the commands that its users give."""

from __future__ import annotations

import configparser
import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from botocore.config import Config
from images import ROOT
from ports import free_ports

if TYPE_CHECKING:
    from engine import Engine

HERE = Path(__file__).parent
FILES = [ROOT / "docker-compose.yml", HERE / "override.yml"]
PROGRAMS = [HERE / "bin", Path(sys.executable).parent]
PORTS = ("API_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "CLUSTER_PORT")
REGION = "us-east-1"
KEYS = "docker compose run --rm -T --entrypoint cat {} /secrets/credentials"
OF_RUNNERS = {"poll_for_task", "report_task_progress", "set_task_status"}


class Stack:
    """Its containers, its API and its Prometheus."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._http = httpx.Client()

    def close(self) -> None:
        """Take everything of it away."""
        self._http.close()
        self.run("docker compose --profile '*' down --volumes --timeout 5")

    def run(self, script: str) -> str:
        """Run commands of the documentation; return what they print."""
        variables = {
            **self.ports,
            "COMPOSE_FILE": os.pathsep.join(map(str, FILES)),
            "PATH": os.pathsep.join([*map(str, PROGRAMS), os.environ["PATH"]]),
        }
        given = (f"{name}={value}" for name, value in variables.items())
        return self.engine.run("env", *given, "bash", "-euo", "pipefail", "-c", script)

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers that run."""
        return self.run(f"docker compose ps --quiet {service}").split()

    def credentials(self) -> str:
        """Return the file of the operator's credentials, as AWS has it."""
        return self.run(KEYS.format("sample"))

    @cached_property
    def runners(self) -> str:
        """The file of the runners' credentials."""
        return self.run(KEYS.format("runner"))

    def client(self, credentials: str = "", attempts: int = 12) -> Any:
        """Return a client of the load balancer.

        Args:
            credentials: the file of those that it signs with; unless given, the operator's.
            attempts: how often it sends a call that fails.
        """
        parser = configparser.ConfigParser()
        parser.read_string(credentials or self.credentials())
        return boto3.Session().client(
            "datapipeline",
            REGION,
            endpoint_url=f"http://127.0.0.1:{self.ports['API_PORT']}",
            config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
            **parser["default"],
        )

    def ask(self, expression: str) -> float:
        """Return the number that Prometheus has for an expression; 0 where there is none."""
        url = f"http://127.0.0.1:{self.ports['PROMETHEUS_PORT']}/api/v1/query"
        try:
            found = self._http.get(url, params={"query": expression}).json()["data"]["result"]
        except httpx.TransportError:
            return 0
        return float(found[0]["value"][1]) if found else 0


class Both:
    """A client with two keys: a runner's for the calls of runners, an operator's for all others."""

    def __init__(self, operator: Any, runner: Any) -> None:
        self._operator, self._runner = operator, runner

    def __getattr__(self, name: str) -> Any:
        """Return a call of one of the two clients."""
        return getattr(self._runner if name in OF_RUNNERS else self._operator, name)

    def close(self) -> None:
        """Close both."""
        self._operator.close()
        self._runner.close()
