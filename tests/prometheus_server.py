"""Debian's Prometheus, with the configuration that is shipped but for addresses and intervals."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import yaml
from ports import free_ports
from servers import _die_with_parent, installed
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHIPPED = Path(__file__).parents[1] / "deploy/prometheus"
START_SECONDS = 30
Point = tuple[float, float]


class Series(NamedTuple):
    """Labels, and values by time."""

    labels: dict[str, str]
    points: list[Point]


class Program:
    """A server of the Prometheus family, in a directory of its own.

    Args:
        program: its name, and the Debian package that has it.
        directory: where it has its files.
        arguments: further ones, beside the address.
    """

    def __init__(self, program: tuple[str, str], directory: Path, arguments: Sequence[str]) -> None:
        (self.port,) = free_ports(1)
        self._directory = directory
        address = f"--web.listen-address=127.0.0.1:{self.port}"
        self._command = [installed(*program), address, "--log.level=warn", *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
            )
        wait_until(self._ready, START_SECONDS)

    def get(self, path: str, **query: str) -> Any:
        """Ask its API; return what it answers as data."""
        answer = httpx.get(self._url(path), params=query, timeout=10)
        return answer.raise_for_status().json()

    def post(self, path: str, data: Any) -> None:
        """Send data to its API."""
        httpx.post(self._url(path), json=data, timeout=10).raise_for_status()

    def close(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _url(self, path: str) -> str:
        return f"http://{self.address}/{path}"

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._directory / "log").read_text()
        with suppress(httpx.TransportError):
            return httpx.get(self._url("-/ready"), timeout=5).is_success
        return False


class Prometheus(Program):
    """A Prometheus that scrapes addresses in place of those that the shipped jobs name.

    Args:
        directory: where it has its files.
        targets: host and port of each replica's metrics.
        balancers: likewise, of load balancers.
        alertmanager: where it sends alerts, if anywhere.
        every: seconds between scrapes, and between looks at the rules.
        waits: how long alerts wait (their `for`) instead of what is shipped, in seconds.
    """

    def __init__(
        self,
        directory: Path,
        targets: Sequence[str],
        *,
        balancers: Sequence[str] = (),
        alertmanager: str = "",
        every: float = 0.5,
        waits: float | None = None,
    ) -> None:
        arguments = [
            f"--config.file={directory}/prometheus.yml",
            f"--storage.tsdb.path={directory}/data",
        ]
        super().__init__(("prometheus", "prometheus"), directory, arguments)
        shutil.copy(SHIPPED / "alerts.yml", directory)
        if waits is not None:
            _hurry(directory / "alerts.yml", waits)
        watched = {"coordinator": targets, "haproxy": balancers}
        config = _configuration(watched, alertmanager, f"{int(every * 1000)}ms")
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))

    def query(self, expr: str) -> list[Series]:
        """Evaluate an expression now."""
        found = self.get("api/v1/query", query=expr)["data"]["result"]
        return [Series(row["metric"], [_point(*row["value"])]) for row in found]

    def query_range(self, expr: str, begin: float, end: float, step: float) -> list[Series]:
        """Evaluate an expression at all steps of a span of time."""
        span = {"start": f"{begin}", "end": f"{end}", "step": f"{step}"}
        found = self.get("api/v1/query_range", query=expr, **span)["data"]["result"]
        return [Series(row["metric"], [_point(*each) for each in row["values"]]) for row in found]

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules, with how they are."""
        groups = self.get("api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


def _configuration(
    watched: Mapping[str, Sequence[str]], alertmanager: str, every: str
) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    config["scrape_configs"] = [jobs[name] for name in watched]
    for name, targets in watched.items():
        jobs[name].pop("dns_sd_configs", None)
        jobs[name] |= {"scrape_timeout": every, "static_configs": [{"targets": list(targets)}]}
    config["global"] = {"scrape_interval": every, "evaluation_interval": every}
    managers = [alertmanager] if alertmanager else []
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": managers}]}]
    return config


def _hurry(path: Path, waits: float) -> None:
    rules = yaml.safe_load(path.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["for"] = f"{int(waits * 1000)}ms"
    path.write_text(yaml.safe_dump(rules))


def _point(at: float, value: str) -> Point:
    return at, float(value)
