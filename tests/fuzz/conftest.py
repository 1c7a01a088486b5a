"""Replicas for requests that nobody would send, and a count of them for ``make fuzz``."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gate import Gate
from refusing import Place
from replicas import ReplicaProcess
from servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def tried() -> Iterator[Counter[str]]:
    """Counts what was sent, by kind; written to the file that `FUZZ_COUNTS` names, if it does."""
    counts: Counter[str] = Counter()
    yield counts
    if name := os.environ.get("FUZZ_COUNTS"):
        Path(name).write_text(json.dumps(counts))


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """A replica that anybody may call, with a running task."""
    server = Server("valkey")
    replica = ReplicaProcess(server.url, POLL_WAIT=0)
    try:
        server.start()
        replica.start()
        yield Place(server, replica)
    finally:
        replica.close()
        server.close()


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A replica whose calls must be signed."""
    server = Server("valkey")
    made = Gate(server, tmp_path_factory.mktemp("gate"))
    try:
        server.start()
        made.replica.start()
        yield made
    finally:
        made.replica.close()
        server.close()
