"""`COORDINATOR_ADMIN_PORT`: metrics and health on a port of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import closing

import httpx
import pytest
from gate import Gate, error
from replicas import run_command
from waiting import wait_until

from coordinator.config import Settings
from coordinator.service.coordinator import build
from coordinator.web.app import create_admin_app


@pytest.fixture
def gate(valkey, tmp_path):
    """A replica whose calls must be signed, with an admin port."""
    made = Gate(valkey, tmp_path, ADMIN_PORT=0, DRAIN_DELAY=2, ALLOWED_HOSTS="inside.example")
    made.replica.start()
    yield made
    made.replica.close()


def test_each_port_has_its_pages(gate):
    """Metrics are on the one, open; the API on the other; health on both; all in one process."""
    replica = gate.replica
    found = replica.admin("/metrics")
    assert (found.status, found.headers["x-content-type-options"]) == (200, "nosniff")
    assert b"coordinator_redis_up 1.0" in found.body
    for path in ("/healthz", "/readyz"):
        assert (replica.admin(path).status, replica.get(path).status) == (200, 200)
    name, sentence = error(replica.get("/metrics"), 404)
    assert (name, sentence) == ("InvalidRequestException", "GET /metrics: Not Found.")
    for path in ("/", "/openapi.json"):
        assert error(replica.admin(path), 404)[0] == "InvalidRequestException"
    assert replica.get("/openapi.json").status == 401
    assert gate.call("operator", "ListPipelines", {}).status == 200


def test_calls_are_counted_where_they_are_shown(gate):
    """The two ports are of one replica."""
    for _ in range(3):
        error(gate.replica.post("ListPipelines", {}), 403)
    counted = b'coordinator_errors_total{error="MissingAuthenticationToken"} 3.0'
    assert counted in gate.replica.admin("/metrics").body


def test_on_loopback_it_looks_at_the_host(gate):
    """A page with a name of its own for 127.0.0.1 must not read it; health is asked by all."""
    admin = gate.replica.admin
    for host in ("localhost:9090", "inside.example"):
        assert admin("/metrics", Host=host).status == 200
    for headers in ({"Host": "evil.example"}, {"Origin": "null"}):
        assert error(admin("/metrics", **headers))[0] == "InvalidRequestException"
        assert admin("/healthz", **headers).status == 200


@pytest.mark.parametrize(("any_host", "status"), [(True, 200), (False, 400)])
async def test_on_other_addresses_any_host_will_do(valkey, new_router, any_host, status):
    """Prometheus calls replicas by whatever name it finds them under."""
    coordinator = build(Settings(redis_url=valkey.url), new_router(valkey.url))
    transport = httpx.ASGITransport(create_admin_app(coordinator, any_host=any_host))
    async with httpx.AsyncClient(transport=transport, base_url="http://replica-1:9090") as client:
        assert (await client.get("/metrics")).status_code == status
        refused = await client.get("/metrics", headers={"Origin": "http://replica-1:9090"})
    assert refused.status_code == 400


def test_it_may_have_an_address_of_its_own(new_server, new_replica):
    """And is not on the API's then."""
    settings = {"ADMIN_PORT": 0, "ADMIN_HOST": "127.0.0.2"}
    replica = new_replica(new_server(aof=True).url, **settings)
    assert f"metrics and health on http://127.0.0.2:{replica.admin_port}" in replica.log
    assert httpx.get(f"http://127.0.0.2:{replica.admin_port}/metrics").status_code == 200
    with pytest.raises(ConnectionRefusedError):
        replica.admin("/metrics")


def test_it_answers_until_the_end(gate):
    """While the API's port is drained, it says so; then the process ends in order."""
    replica = gate.replica
    os.kill(replica.pid, signal.SIGTERM)
    wait_until(lambda: replica.admin("/readyz").status == 503)
    assert replica.admin("/metrics").status == 200
    assert replica.exit_code() == 0
    replica.process = None
    assert "Traceback" not in replica.log


async def test_a_client_that_stays_does_not_hold_it_up(gate):
    """An idle connection to the admin port is closed."""
    port = gate.replica.admin_port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    assert await asyncio.to_thread(gate.replica.stop) == 0
    await reader.read()
    assert reader.at_eof()
    writer.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ADMIN_HOST": "127.0.0.1"}, "ADMIN_HOST is for COORDINATOR_ADMIN_PORT: set both."),
        ({"ADMIN_PORT": 1}, "ADMIN_PORT is 1, as the API's port: use another."),
        ({"ADMIN_PORT": 1, "ADMIN_HOST": "127.0.0.1"}, "ADMIN_PORT is 1, as the API's port"),
    ],
)
def test_a_port_that_cannot_be_is_refused(settings, said):
    """An address without a port, and the port of the API, before anything is started."""
    ended = run_command("serve", "--port", "1", **settings)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "embedded" not in ended.stderr


@pytest.mark.parametrize("name", ["ADMIN_PORT", "--port"])
def test_a_port_in_use_has_a_sentence(new_server, name):
    """Exit 1 and no traceback, whichever of the two it is."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        more = {"ADMIN_PORT": port} if name == "ADMIN_PORT" else {"ADMIN_PORT": 0}
        main = "0" if name == "ADMIN_PORT" else port
        ended = run_command("serve", "--port", main, REDIS_URL=new_server().url, **more)
    assert ended.returncode == 1
    assert f"coordinator: Cannot listen on 127.0.0.1, port {port}: " in ended.stderr
    assert "Traceback" not in ended.stderr
