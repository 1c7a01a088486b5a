"""Real `coordinator serve` processes for tests, and the clients that talk to them."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from servers import _die_with_parent
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

START_SECONDS = 60
STOP_SECONDS = 15
SERVING = re.compile(r"serving the AWS Data Pipeline API on (https?://127\.[\d.]+:(\d+))")
ADMIN = re.compile(r"serving metrics and health on http://[\d.]+:(\d+)")
CONTENT_TYPE = "application/x-amz-json-1.1"
_session = boto3.Session(
    aws_access_key_id="nobody", aws_secret_access_key="nothing", region_name="us-east-1"
)


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Return this process's environment with these settings of the coordinator and no others."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("COORDINATOR_")}
    return clean | {f"COORDINATOR_{k}": str(v) for k, v in settings.items()}


def run_command(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run the command `coordinator` with these settings until it ends; its output is text."""
    return subprocess.run(
        [sys.executable, "-m", "coordinator.cli", *arguments],
        env=environment(settings) | {"COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


class Pair(NamedTuple):
    """An access key."""

    access_key: str
    secret: str


class Answer:
    """An HTTP answer: status, headers by lower-case name, body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


class ReplicaProcess:
    """One `coordinator serve` process on 127.0.0.1, unless `host` is set before it is started.

    Args:
        redis_url: its Redis; empty for an embedded Valkey in `directory`.
        settings: further settings by name, such as ``POLL_WAIT=1``; the port is the system's choice
            at the first start and stays the same.

    Further arguments of the command may be put into `arguments` before it is started.
    """

    def __init__(self, redis_url: str = "", **settings: object) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="coord-"))
        self.settings = {"REDIS_URL": redis_url, "DATA_DIR": self.directory / "data", **settings}
        self.arguments: list[str] = []
        self.host = "127.0.0.1"
        self.port = 0
        self.pair: Pair | None = None  # the access key of its clients
        self.authority: Path | None = None  # the certificate that its clients trust; None: no TLS
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http{'s' if self.authority else ''}://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id; fails if the process was not started."""
        assert self.process is not None, "the replica is not running"
        return self.process.pid

    @property
    def log(self) -> str:
        """What the replica has written since it was first started."""
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *, wait: bool = True) -> None:
        """Start the process and, unless `wait` is false, wait until /readyz answers 200."""
        command = [sys.executable, "-m", "coordinator.cli", "serve", "--host", self.host]
        command += ["--port", str(self.port), *self.arguments]
        seen = len(self.log)
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
            )
        self.port = int(wait_until(lambda: self._serving(seen), START_SECONDS)[2])
        if wait:
            wait_until(self.ready, START_SECONDS)

    def ready(self) -> bool:
        """Say whether the replica can work."""
        return self.get("/readyz").status == 200

    def exit_code(self) -> int:
        """Wait until the process ends by itself; return its exit code."""
        assert self.process is not None, "the replica was not started"
        return self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """End the process with SIGTERM; return its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        code = self.exit_code()
        self.process = None
        return code

    def kill(self) -> None:
        """End the process with SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        self.exit_code()
        self.process = None

    def pause(self) -> None:
        """Freeze the process."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill the process if it runs, and remove its directory."""
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def client(self, *, attempts: int = 1, read_timeout: float = 30) -> Any:
        """Return a boto3 client; close it. It does not repeat calls unless `attempts`.

        It does not sign unless the replica has a `pair`.
        """
        return self.client_of(self.pair, attempts=attempts, read_timeout=read_timeout)

    def client_of(self, pair: Pair | None, *, attempts: int = 1, read_timeout: float = 30) -> Any:
        """Return a boto3 client that signs with an access key."""
        config = Config(
            signature_version=None if pair else UNSIGNED,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            read_timeout=read_timeout,
            max_pool_connections=50,
        )
        key, secret = pair or (None, None)
        return _session.client(
            "datapipeline",
            endpoint_url=self.url,
            config=config,
            verify=str(self.authority) if self.authority else None,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET."""
        return self.send("GET", path, headers=headers)

    def admin(self, path: str, **headers: str) -> Answer:
        """Send a GET to the admin port."""
        return self.send("GET", path, headers=headers, port=self.admin_port)

    @property
    def admin_port(self) -> int:
        """The admin port, which must have been asked for."""
        return int(ADMIN.findall(self.log)[-1])

    def post(
        self,
        operation: str,
        body: bytes | str | dict[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call an operation with a raw body; a dictionary is sent as JSON."""
        body = json.dumps(body) if isinstance(body, dict) else body
        standard = {"X-Amz-Target": f"DataPipeline.{operation}", "Content-Type": CONTENT_TYPE}
        return self.send("POST", "/", body, {**standard, **(headers or {})})

    def send(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
        port: int = 0,
    ) -> Answer:
        """Send a request on a connection of its own; nothing is added but what HTTP needs."""
        connection = self._connection(port, timeout)
        data = body.encode() if isinstance(body, str) else body
        try:
            connection.request(method, path, data, dict(headers or {}))
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def _connection(self, port: int, timeout: float) -> http.client.HTTPConnection:
        """Connect to the admin port, if it is given, or to the API's."""
        if self.authority is None or port:
            return http.client.HTTPConnection(self.host, port or self.port, timeout=timeout)
        context = ssl.create_default_context(cafile=self.authority)
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)

    def _serving(self, seen: int) -> re.Match[str] | None:
        assert self.process is not None, "the replica was not started"
        assert self.process.poll() is None, f"the replica ended:\n{self.log}"
        return SERVING.search(self.log, seen)


def address_of(replica: ReplicaProcess) -> tuple[str, int]:
    """Return host and port, for tests that open a socket themselves."""
    parts = urlsplit(replica.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port
