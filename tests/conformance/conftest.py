"""A server and a replica of their own for tests that compare the whole data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gate import PAIRS, Gate
from pipelines import activity, new_group, poll, start
from refusing import Place
from replicas import ReplicaProcess
from servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """A replica with one running task; nothing that tests send it may leave a trace."""
    server = Server("valkey", aof=True)
    replica = ReplicaProcess(server.url, POLL_WAIT=1)
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
    server = Server("valkey", aof=True)
    made = Gate(server, tmp_path_factory.mktemp("gate"))
    try:
        server.start()
        made.replica.start()
        yield made
    finally:
        made.replica.close()
        server.close()


@pytest.fixture
def api_of(gate):
    """Make boto3 clients of `gate` by the name of a credential."""
    made = []

    def client(name):
        made.append(gate.replica.client_of(PAIRS[name]))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def task(api_of):
    """A task of worker group etl-…, handed out to `runner`: pipeline, group, handle."""
    operator, group = api_of("operator"), f"etl-{new_group()}"
    pipeline = start(operator, activity("A", group))
    return pipeline, group, poll(api_of("runner"), group)["taskId"]
