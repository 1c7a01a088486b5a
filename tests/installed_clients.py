"""The aws CLI and Node.js with the AWS SDK for JavaScript, as `make clients` installs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicas import ReplicaProcess

INSTALLED = Path(sys.prefix) / "clients"
SCRIPTS = Path(__file__).parent / "clients" / "js"
SECONDS = 60
# What a user of the client sets: the service's address, and credentials that nobody checks
# unless the replica has a `pair`.
USER = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def installed(name: str) -> str:
    """Return the path of a client's command; a test that needs it fails where it is missing."""
    path = INSTALLED / "bin" / name
    assert path.exists(), f"{name} is not installed: run `make clients` first"
    return str(path)


def environment(replica: ReplicaProcess) -> dict[str, str]:
    """Return this process's environment with nothing of AWS in it but what leads to `replica`."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    nowhere = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    user = USER | dict(zip(keys, replica.pair, strict=True)) if replica.pair else USER
    return {**clean, **user, **nowhere, "AWS_ENDPOINT_URL_DATA_PIPELINE": replica.url}


class AwsError(Exception):
    """The aws CLI ended with an exit code other than 0; the message is what it said."""


class AwsCli:
    """The aws CLI's commands for one replica, run in a directory."""

    def __init__(self, replica: ReplicaProcess, directory: Path) -> None:
        self._command = [installed("aws"), "datapipeline"]
        self._environment = environment(replica)
        self._directory = directory

    def text(self, operation: str, *words: str) -> str:
        """Run a command and return its output.

        Raises:
            AwsError: it failed.
        """
        ran = subprocess.run(
            [*self._command, operation, *words],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if ran.returncode != 0:
            raise AwsError(ran.stderr)
        return ran.stdout

    def __call__(self, operation: str, *words: str) -> Any:
        """Run a command and return its output as data; none is an empty dictionary.

        Raises:
            AwsError: it failed.
        """
        output = self.text(operation, *words)
        return json.loads(output) if output.strip() else {}


def run_script(
    replica: ReplicaProcess, name: str, given: object, more: Mapping[str, str] | None = None
) -> Any:
    """Run a script with the AWS SDK for JavaScript; return what it prints as data.

    `more` is added to its environment.
    """
    ran = subprocess.run(
        [installed("node"), str(SCRIPTS / name), json.dumps(given)],
        env={**environment(replica), "CLIENTS": str(INSTALLED / "js"), **(more or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
