"""Servers for every test that needs one.

``redis_url`` runs a test on Valkey, on Redis 7.0 and on a cluster of three primaries, each shared
by the whole session and emptied before each test. A test that stops, freezes or configures its
server takes one of its own from ``new_server``, ``new_sentinels`` or ``new_cluster``.

``api`` is a boto3 client of a `coordinator serve` process that the whole session shares: its tests
keep apart by making pipelines and worker groups of their own. ``new_replica`` starts further ones.

``make test`` runs the suite in two passes (`run_passes.py`): most of it on workers of pytest-xdist,
each with such servers of its own; then, alone, the tests marked ``measure``.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
import users
from clusters import Cluster
from hypothesis import settings as hypothesis_settings
from replicas import ReplicaProcess
from sentinels import Sentinels
from servers import Server

from coordinator.store.routing import Router, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

KINDS = ("valkey", "redis7", "cluster")


MEASURES = ("with", "without", "only")
# How long an example takes says nothing on a machine with other work.
hypothesis_settings.register_profile("ours", deadline=None)
hypothesis_settings.load_profile("ours")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that chooses a pass."""
    say = "run the tests that measure too (default), leave them out, or run no others"
    parser.addoption("--measures", choices=MEASURES, default="with", help=say)
    say = "give every server the configuration and users of deploy/redis; fail if any denies a call"
    parser.addoption("--acl", action="store_true", help=say)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the pass that was chosen."""
    chosen = config.getoption("--measures")
    if chosen == "with":
        return
    passes: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        measures = item.get_closest_marker("measure") is not None
        passes[measures == (chosen == "only")].append(item)
    items[:] = passes[True]
    config.hook.pytest_deselected(items=passes[False])


def pytest_configure(config: pytest.Config) -> None:
    """Hear signals again, which a shell that runs us in the background has all of us ignore."""
    Server.guarded = config.getoption("--acl")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With --acl, fail if a server has denied anything: something was done that its ACL lacks."""
    if Server.guarded and users.denied:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\ndenied by ACL:", *sorted({*users.denied}), sep="\n")  # noqa: T201


class SharedServers:
    """The session's servers, each started when it is first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, Server | Cluster] = {}

    def empty(self, kind: str) -> Server | Cluster:
        """Return the server of `kind` without data."""
        if kind not in self._running:
            server = Cluster() if kind == "cluster" else Server(kind)
            self._running[kind] = server
            server.start()
        self._running[kind].reset()
        return self._running[kind]

    def close(self) -> None:
        """Stop them all."""
        for server in self._running.values():
            server.close()


@pytest.fixture(scope="session")
def shared_servers() -> Iterator[SharedServers]:
    """The session's servers; tests take `redis_server`, `valkey` or `redis7`."""
    servers = SharedServers()
    yield servers
    servers.close()


@pytest.fixture(params=KINDS)
def redis_server(request: pytest.FixtureRequest, shared_servers: SharedServers) -> Server | Cluster:
    """An empty shared server of each kind: the test runs once on each."""
    return shared_servers.empty(request.param)


@pytest.fixture
def redis_url(redis_server: Server | Cluster) -> str:
    """The URL of `redis_server`."""
    return redis_server.url


@pytest.fixture
def valkey(shared_servers: SharedServers) -> Server | Cluster:
    """An empty shared Valkey."""
    return shared_servers.empty("valkey")


@pytest.fixture
def redis7(shared_servers: SharedServers) -> Server | Cluster:
    """An empty shared Redis 7.0."""
    return shared_servers.empty("redis7")


@pytest.fixture
def cluster(shared_servers: SharedServers) -> Server | Cluster:
    """An empty shared cluster of three primaries."""
    return shared_servers.empty("cluster")


@pytest.fixture
def new_server() -> Iterator[Callable[..., Server]]:
    """Start servers of the test's own, with the arguments of `Server`."""
    yield from _started(Server)


@pytest.fixture
def new_cluster() -> Iterator[Callable[..., Cluster]]:
    """Start clusters of the test's own, with the arguments of `Cluster`."""
    yield from _started(Cluster)


@pytest.fixture
def new_sentinels() -> Iterator[Callable[..., Sentinels]]:
    """Start primaries watched by sentinels, with the arguments of `Sentinels`."""
    yield from _started(Sentinels)


@pytest.fixture
async def new_router() -> AsyncIterator[Callable[..., Router]]:
    """Make routers by URL and the options of `connect`; they are closed after the test."""
    made: list[Router] = []

    def make(url: str, *, timeout: float = 5, durability: str = "everysec") -> Router:
        made.append(connect(url, timeout=timeout, client_name="test", durability=durability))
        return made[-1]

    yield make
    for router in made:
        await router.close()


@pytest.fixture(scope="session")
def replica() -> Iterator[ReplicaProcess]:
    """A replica on a Valkey, both shared by the session; its polls wait a second."""
    server = Server("valkey", aof=True)
    shared = ReplicaProcess(server.url, POLL_WAIT=1, RESOURCE_GROUPS="EmrCluster=big machines")
    try:
        server.start()
        shared.start()
        yield shared
    finally:
        shared.close()
        server.close()


@pytest.fixture(scope="session")
def api(replica: ReplicaProcess) -> Iterator[Any]:
    """A boto3 client of `replica` that does not repeat calls."""
    client = replica.client()
    yield client
    client.close()


@pytest.fixture
def new_replica() -> Iterator[Callable[..., ReplicaProcess]]:
    """Start replicas of the test's own, with the arguments of `ReplicaProcess`."""
    made: list[ReplicaProcess] = []

    def start(redis_url: str = "", *, wait: bool = True, **settings: object) -> ReplicaProcess:
        made.append(ReplicaProcess(redis_url, **settings))
        made[-1].start(wait=wait)
        return made[-1]

    yield start
    for replica in made:
        replica.close()


def _started(kind: type[Server | Sentinels | Cluster]) -> Iterator[Callable[..., Any]]:
    made: list[Server | Sentinels | Cluster] = []

    def start(*args: object, **options: object) -> Server | Sentinels | Cluster:
        server = kind(*args, **options)
        made.append(server)
        server.start()
        return server

    yield start
    for server in made:
        server.close()
