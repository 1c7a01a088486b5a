"""HAProxy with the configuration that is shipped, in front of replicas that a name server names."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ports import free_ports
from prometheus_client.parser import text_string_to_metric_families
from replicas import ReplicaProcess
from servers import _die_with_parent, installed
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONFIGURATION = Path(__file__).parents[1] / "deploy/haproxy/haproxy.cfg"
NAME = "coordinator"
# A name that has just been given an address is asked for every second, and checks are quick.
SECONDS = 20


class Names:
    """dnsmasq, which knows the addresses of one name; at first it has none."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="coord-"))
        self._hosts = self.directory / "hosts"
        self._hosts.touch()
        (self.port,) = free_ports(1)
        listen = [f"--port={self.port}", "--listen-address=127.0.0.1", "--bind-interfaces"]
        files = ["--conf-file", "--pid-file", "--no-resolv", "--no-hosts"]
        command = [installed("dnsmasq", "dnsmasq-base"), "--keep-in-foreground"]
        command += [*listen, *files, f"--addn-hosts={self._hosts}", f"--user={getpass.getuser()}"]
        self._process = _run(command, self.directory / "log")

    def become(self, replicas: Sequence[ReplicaProcess]) -> None:
        """Let the name have the addresses of these replicas and no others."""
        self._hosts.write_text("".join(f"{replica.host} {NAME}\n" for replica in replicas))
        self._process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """Kill it, and remove its directory."""
        _end(self._process, self.directory)


class Balancer(ReplicaProcess):
    """HAProxy; its clients are those of a replica.

    Args:
        names: who knows the addresses of the replicas.
        port: the port that all replicas have.
    """

    def __init__(self, names: Names, port: int) -> None:
        super().__init__()
        self.port, self.metrics_port = free_ports(2)
        self.environment = {
            "LISTEN": f"127.0.0.1:{self.port}",
            "METRICS": f"127.0.0.1:{self.metrics_port}",
            "REPLICAS": f"{NAME}:{port}",
            "NAMESERVER": f"127.0.0.1:{names.port}",
        }

    def start(self, *, wait: bool = True) -> None:
        """Start it and, unless `wait` is false, wait until its metrics answer."""
        command = [installed("haproxy", "haproxy"), "-db", "-f", str(CONFIGURATION)]
        self.process = _run(command, self.directory / "log", self.environment)
        if wait:
            wait_until(self._answers, SECONDS)

    def metrics(self, name: str, label: str) -> Counter[str]:
        """Return a metric of its own by one of its labels; samples that are 0 are left out."""
        text = self.send("GET", "/metrics", port=self.metrics_port).body.decode()
        found = Counter[str]()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.value:
                    found[sample.labels[label]] += int(sample.value)
        return found

    def wait_for(self, ready: int) -> None:
        """Wait until it sees so many replicas ready."""
        wait_until(lambda: self._ready() == ready, SECONDS)

    def _ready(self) -> int:
        return self.metrics("haproxy_backend_active_servers", "proxy")["replicas"]

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        with suppress(OSError):
            return self.send("GET", "/healthz", port=self.metrics_port).status == 200
        return False


def replica_at(number: int, port: int, url: str, **settings: object) -> ReplicaProcess:
    """Make a replica at 127.0.0.`number`: in the stack each has an address, and all the same port.

    Args:
        number: the last part of its address.
        port: where it listens.
        url: its Redis.
        settings: further settings by name.
    """
    made = ReplicaProcess(url, **settings)
    made.host, made.port = f"127.0.0.{number}", port
    return made


def _run(
    command: Sequence[str], log: Path, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env=os.environ | dict(more or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
        )


def _end(process: subprocess.Popen[bytes], directory: Path) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(directory, ignore_errors=True)
