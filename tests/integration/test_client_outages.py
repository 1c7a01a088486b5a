"""Servers that end, load, are demoted, full or busy."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time

import pytest
from ports import free_ports
from servers import installed
from waiting import eventually

from coordinator.errors import UnavailableError
from coordinator.store.client import Script

pytestmark = pytest.mark.timeout(40)

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")
SLOW_LOADING = ["--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024"]


@pytest.fixture(params=["valkey", "redis7"])
def server(request, new_server):
    """A server of the test's own, of each kind, that keeps its data."""
    return new_server(request.param, aof=True, argv=["--appendfsync", "always", *SLOW_LOADING])


async def test_a_killed_server_is_found_again_by_the_same_client(server, new_router):
    """Calls succeed again after a kill and a restart, with nothing done to the client."""
    router = new_router(server.url)
    for number in range(1, 4):
        assert await router.run(COUNT, ["n"], []) == number
        server.kill()
        await eventually(lambda: not router.connected)
        await asyncio.to_thread(server.start)
    assert await router.run(COUNT, ["n"], []) == 4
    assert router.counters.reconnects == 3


async def test_a_call_made_during_an_outage_waits_for_its_end(server, new_router):
    """A call made while the server is away is answered when it comes back in time."""
    router = new_router(server.url, timeout=10)
    await router.run(COUNT, ["n"], [])
    server.kill()
    await eventually(lambda: not router.connected)
    call = asyncio.ensure_future(router.run(COUNT, ["n"], []))
    await asyncio.to_thread(server.start)
    assert await call == 2


async def test_an_outage_is_described_in_one_sentence(server, new_router):
    """The error names the address, for how long it is away, and the reason."""
    router = new_router(server.url, timeout=1)
    await router.run(COUNT, ["n"], [])
    server.kill()
    await eventually(lambda: not router.connected)
    started = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        await router.run(COUNT, ["n"], [])
    assert time.monotonic() - started < 10
    said = rf"Redis at {server.socket} has been unreachable for \d+\.\d s: [^\n]*"
    assert re.fullmatch(said, str(caught.value))
    assert "refused" in str(router.last_error)


async def test_calls_wait_while_a_restarted_server_loads(server, new_router):
    """A server that answers LOADING counts as not connected, and calls wait for it."""
    with server.client() as direct, direct.pipeline() as pipe:
        for number in range(2000):
            pipe.set(f"key{number}", number)
        pipe.execute()
    router = new_router(server.url, timeout=15)
    await router.run(COUNT, ["n"], [])
    await asyncio.to_thread(server.restart, wait=False)
    calls = [asyncio.ensure_future(router.run(COUNT, ["n"], [])) for _ in range(10)]
    await eventually(lambda: "loading its data" in (router.last_error or ""))
    assert sorted(await asyncio.gather(*calls)) == list(range(2, 12))


async def test_loading_on_an_open_connection_is_waited_for_too(server, new_router):
    """A call answered with LOADING had no effect and is made again when the server is ready."""
    with server.client() as direct, direct.pipeline() as pipe:
        for number in range(2000):
            pipe.set(f"key{number}", number)
        pipe.execute()
    router = new_router(server.url, timeout=15)
    await router.run(COUNT, ["n"], [])
    with server.client() as direct:
        reload = asyncio.create_task(asyncio.to_thread(direct.execute_command, "DEBUG", "RELOAD"))
        while not router.counters.errors["LOADING"]:
            assert not reload.done(), "the server was loaded before a call met it"
            await router.run(COUNT, ["m"], [])
        await reload
    assert await router.run(COUNT, ["n"], []) == 2


async def test_a_demoted_server_is_left_and_looked_for_again(server, new_router):
    """READONLY fails the call, which had no effect, and makes the client connect anew."""
    router = new_router(server.url)
    await router.run(COUNT, ["n"], [])
    first = await router.execute("n", "CLIENT", "ID")
    with server.client() as direct:
        direct.replicaof("127.0.0.1", 1)
        with pytest.raises(UnavailableError, match="READONLY"):
            await router.run(COUNT, ["n"], [])
        assert await router.execute("n", "CLIENT", "ID") != first
        direct.replicaof("NO", "ONE")
    assert await router.run(COUNT, ["n"], []) == 2


async def test_calls_in_flight_are_answered_by_a_server_that_is_left(server, new_router):
    """A call that waits on the connection when another makes the client leave it is answered."""
    router = new_router(server.url)
    await router.run(COUNT, ["n"], [])
    first = await router.execute("n", "CLIENT", "ID")
    with server.client() as direct:
        direct.replicaof("127.0.0.1", 1)
        refused = asyncio.ensure_future(router.run(COUNT, ["n"], []))
        slow = asyncio.ensure_future(router.execute("s", "XREAD", "BLOCK", 2000, "STREAMS", "s", 0))
        with pytest.raises(UnavailableError, match="READONLY"):
            await refused
        assert await router.execute("n", "CLIENT", "ID") != first
        assert not slow.done()
        assert await slow is None


async def test_a_full_server_refuses_with_a_sentence(server, new_router):
    """At maxmemory what adds data fails as unavailable, and works again when there is room."""
    router = new_router(server.url)
    await router.run(COUNT, ["n"], [])
    with server.client() as direct:
        direct.config_set("maxmemory", 1)
        with pytest.raises(UnavailableError, match="out of memory"):
            await router.run(COUNT, ["n"], [])
        assert await router.execute("n", "GET", "n") == b"1"
        direct.config_set("maxmemory", 0)
    assert await router.run(COUNT, ["n"], []) == 2
    assert router.counters.errors["OOM"] == 1


async def test_a_server_busy_with_a_script_is_reported(server, new_router):
    """While another script runs too long, calls fail as unavailable and had no effect."""
    router = new_router(server.url)
    await router.run(COUNT, ["n"], [])
    with server.client() as hog, server.client() as direct:
        direct.config_set("busy-reply-threshold", 20)
        endless = asyncio.create_task(asyncio.to_thread(_swallow, hog.eval, "while true do end", 0))
        with pytest.raises(UnavailableError, match="busy with a script"):
            await eventually(lambda: router.execute("n", "GET", "none"))
        direct.script_kill()
        await endless
    assert await router.run(COUNT, ["n"], []) == 2


async def test_too_few_replicas_are_reported(server, new_router):
    """NOREPLICAS (min-replicas-to-write) fails the call as unavailable."""
    router = new_router(server.url)
    with server.client() as direct:
        direct.config_set("min-replicas-to-write", 1)
        with pytest.raises(UnavailableError, match="min-replicas-to-write"):
            await router.run(COUNT, ["n"], [])


@pytest.mark.parametrize("user", ["", "worker"])
async def test_a_password_a_user_a_database_and_a_name(new_server, new_router, user):
    """The client logs in, selects its database and names itself; a wrong password is explained."""
    server = new_server(argv=["--user", "worker", "on", ">s3cret", "~*", "+@all"])
    with server.client() as direct:
        direct.config_set("requirepass", "s3cret")
        direct.auth("s3cret")
        router = new_router(f"unix://{user}:s3cret@{server.socket}?db=3")
        await router.run(COUNT, ["n"], [])
        direct.select(3)
        assert direct.get("n") == b"1"
        names = [(c["name"], c["user"]) for c in direct.client_list()]
        assert ("test", user or "default") in names
    for wrong, reason in ((f"{user}:no@", "user name and password"), ("", "asks for a password")):
        router = new_router(f"unix://{wrong}{server.socket}", timeout=2)
        with pytest.raises(UnavailableError, match=reason):
            await router.run(COUNT, ["n"], [])


async def test_tls_with_a_certificate_of_our_own(new_server, new_router, tmp_path):
    """rediss:// works when the server's certificate is trusted, and is refused when it is not."""
    key, pem = _certificate(tmp_path)
    (port,) = free_ports(1)
    files = [
        "--tls-cert-file",
        str(pem),
        "--tls-key-file",
        str(key),
        "--tls-ca-cert-file",
        str(pem),
    ]
    new_server("redis7", argv=["--tls-port", str(port), "--tls-auth-clients", "no", *files])
    router = new_router(f"rediss://127.0.0.1:{port}?ssl_ca_certs={pem}")
    assert await router.run(COUNT, ["n"], []) == 1
    (admin,) = await router.admin_clients()
    assert await admin.get("n") == b"1"
    await admin.aclose()
    stranger = new_router(f"rediss://127.0.0.1:{port}", timeout=2)
    with pytest.raises(UnavailableError, match="none of ssl_ca_certs"):
        await stranger.run(COUNT, ["n"], [])


def _certificate(directory):
    """Return a new key and a certificate for 127.0.0.1 that it signed itself."""
    key, pem = directory / "key.pem", directory / "cert.pem"
    subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    output = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(pem)]
    openssl = [installed("openssl", "openssl"), "req", "-x509"]
    subprocess.run([*openssl, *output, *subject], check=True, capture_output=True)
    return key, pem


def _swallow(call, *args):
    """Make a call that ends in an error on purpose."""
    try:
        call(*args)
    except Exception as error:  # noqa: BLE001 - the script is killed
        return error
