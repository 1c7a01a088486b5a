"""The stack of docker-compose.yml in containers, by the commands that its users give."""

from __future__ import annotations

import configparser
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from botocore.config import Config
from images import ROOT
from ports import free_ports

if TYPE_CHECKING:
    from engine import Engine

COMPOSE = [
    str(Path(sys.executable).parent / "docker-compose"),
    *("--file", str(ROOT / "docker-compose.yml")),
    *("--file", str(Path(__file__).parent / "override.yml")),
]
PORTS = ("API_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "CLUSTER_PORT")
REGION = "us-east-1"


class Stack:
    """Its containers, its API and its Prometheus."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))

    def run(self, command: str) -> str:
        """Run a command of the documentation; return what it prints.

        Podman says of networks what Docker does not, so that Compose takes each container for
        changed. A `run` would make those that it depends on anew, and leaves them alone here.
        """
        program, compose, *words = shlex.split(command)
        assert (program, compose) == ("docker", "compose")
        if words[0] == "run":
            words.insert(1, "--no-deps")
        if words[-2:] == ["up", "-d"]:
            words.append("--no-build")
        ports = (f"{name}={port}" for name, port in self.ports.items())
        return self.engine.run("env", *ports, *COMPOSE, *words)

    def containers(self, service: str) -> list[str]:
        """Return the ids of a service's containers that run."""
        return self.run(f"docker compose ps --quiet {service}").split()

    def credentials(self) -> str:
        """Return the file of the operator's credentials, as AWS has it."""
        return self.run("docker compose run --rm -T --entrypoint cat sample /secrets/credentials")

    def client(self) -> Any:
        """Return a client of the load balancer, which signs as the operator, and repeats."""
        parser = configparser.ConfigParser()
        parser.read_string(self.credentials())
        return boto3.client(
            "datapipeline",
            REGION,
            endpoint_url=f"http://127.0.0.1:{self.ports['API_PORT']}",
            config=Config(retries={"mode": "standard", "total_max_attempts": 12}),
            **parser["default"],
        )

    def ask(self, expression: str) -> float:
        """Return the number that Prometheus has for an expression; 0 where there is none."""
        url = f"http://127.0.0.1:{self.ports['PROMETHEUS_PORT']}/api/v1/query"
        try:
            found = httpx.get(url, params={"query": expression}).json()["data"]["result"]
        except httpx.TransportError:
            return 0
        return float(found[0]["value"][1]) if found else 0
