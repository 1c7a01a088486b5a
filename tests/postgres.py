"""A PostgreSQL server of the tests' own, from Debian's package."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_ports
from servers import _die_with_parent
from waiting import wait_until

PLACES = Path("/usr/lib/postgresql")
SETTINGS = ["-h", "127.0.0.1", "-F"]
OWNER = "postgres"  # the server refuses to run as root


@contextmanager
def postgres_server():
    """Start one; the block has its URL, without a database's name."""
    programs = _programs()
    user = {"user": OWNER, "group": OWNER, "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        directory = Path(name)
        if user:
            shutil.chown(directory, OWNER, OWNER)
        data, (port,) = directory / "data", free_ports(1)
        settings = ["-A", "trust", "-U", "tester", "-N", "--locale=C", "-E", "UTF8"]
        subprocess.run(
            [programs / "initdb", *settings, "-D", data],
            check=True,
            capture_output=True,
            cwd="/",
            **user,
        )
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-k", directory, *SETTINGS],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock
            **user,
        )
        try:
            ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, 30)
            yield f"postgresql+psycopg://tester@127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _programs():
    found = sorted(PLACES.glob("*/bin/initdb"))
    if not found:
        if os.environ.get("CI"):
            pytest.fail("there is no PostgreSQL on this machine")
        pytest.skip("there is no PostgreSQL on this machine")
    return found[-1].parent
