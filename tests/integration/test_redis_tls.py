"""Redis over TLS, and what is said where TLS or the password is wrong. Debian's server has TLS."""

from __future__ import annotations

import asyncio

import pytest
from authority import Authority
from ports import free_ports
from replicas import run_command
from servers import Server
from waiting import eventually, wait_until

from coordinator.errors import UnavailableError
from coordinator.store.client import Script
from coordinator.store.routing import connect
from coordinator.timers.subscriber import Subscriber

COUNT = Script("count", "return redis.call('INCR', KEYS[1])")
PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Who signs the certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def secure(new_server, authority):
    """Start a Redis that speaks TLS only, and return its port."""

    def start(pem=None, *, clients="no"):
        (port,) = free_ports(1)
        shown = pem or authority.new("redis")
        files = ["--tls-cert-file", shown.certificate, "--tls-key-file", shown.key]
        trust = ["--tls-ca-cert-file", authority.certificate, "--tls-auth-clients", clients]
        new_server("redis7", argv=[*map(str, ["--tls-port", port, *files, *trust])])
        return port

    return start


def url_of(port, authority, **options):
    """Return a URL that trusts an authority."""
    query = {"ssl_ca_certs": authority.certificate, **options}
    return f"rediss://127.0.0.1:{port}?" + "&".join(f"{k}={v}" for k, v in query.items())


async def sentence(new_router, url):
    """Return what a call says of a Redis that cannot be connected to."""
    with pytest.raises(UnavailableError) as caught:
        await new_router(url, timeout=3).execute("n", "PING")
    return str(caught.value)


async def sentences(new_router, *urls):
    """Return what calls say, that are made at the same time."""
    return await asyncio.gather(*(sentence(new_router, url) for url in urls))


async def test_calls_administration_and_notifications_use_tls(secure, authority, new_router):
    """With a client certificate, which the server asks for."""
    own = authority.new("client")
    port = secure(clients="yes")
    options = {"ssl_certfile": own.certificate, "ssl_keyfile": own.key}
    router = new_router(url_of(port, authority, **options))
    assert await router.run(COUNT, ["n"], []) == 1
    heard = []
    (endpoint,) = await router.primaries()
    task = asyncio.create_task(Subscriber(router, endpoint, [b"c"], heard.append).run())
    await eventually(lambda: len(heard) == 2)
    task.cancel()
    await asyncio.wait([task])
    (client,) = await router.admin_clients()
    async with client:
        assert await client.get("n") == b"1"


async def test_a_client_certificate_that_is_missing_or_unknown(
    secure, authority, stranger, new_router
):
    """Each has its sentence."""
    port = secure(clients="yes")
    other = stranger.new("client")
    options = {"ssl_certfile": other.certificate, "ssl_keyfile": other.key}
    without, unknown = await sentences(
        new_router, url_of(port, authority), url_of(port, authority, **options)
    )
    assert "it asks for a client certificate" in without
    assert "does not know the authority of our client certificate" in unknown


async def test_a_certificate_of_the_server_that_cannot_be_trusted(
    secure, authority, stranger, new_router
):
    """Another authority, another name, one that has expired."""
    named = secure(authority.new("named", name="DNS:redis.example.com"))
    old = secure(authority.new("old", expired=True))
    urls = [url_of(secure(), stranger), url_of(named, authority), url_of(old, authority)]
    another_authority, another_name, expired = await sentences(new_router, *urls)
    assert "none of ssl_ca_certs" in another_authority
    assert "for another address than the URL's" in another_name
    assert "has expired" in expired
    unchecked = url_of(named, authority, ssl_check_hostname="false")
    assert await new_router(unchecked).execute("n", "PING")


async def test_tls_where_there_is_none_and_the_other_way_round(
    secure, authority, new_server, new_router
):
    """The sentence names the beginning of the URL that would fit."""
    (port,) = free_ports(1)
    new_server("redis7", port=port)
    urls = [url_of(port, authority), f"redis://127.0.0.1:{secure()}"]
    not_there, wanted = await sentences(new_router, *urls)
    assert "on this port" in not_there
    assert "it may want TLS (rediss://)" in wanted


async def test_a_password_changed_in_its_file_is_taken_without_a_restart(new_server, tmp_path):
    """Read at each login; until it fits, the sentence says what is wrong, not the password."""
    server, file = new_server("redis7"), tmp_path / "password"
    with server.client() as admin:
        admin.config_set("requirepass", "other")
    file.write_text(f"{PASSWORD}\n")
    router = connect(server.url, timeout=3, client_name="test", password_file=str(file))
    try:
        with pytest.raises(UnavailableError, match="does not accept the user name and") as caught:
            await router.execute("n", "PING")
        assert PASSWORD not in str(caught.value)
        file.write_text("other")
        await eventually(lambda: router.connected)
        file.unlink()
        router.clients[0].drop()
        with pytest.raises(UnavailableError, match="cannot be read: No such file"):
            await router.execute("n", "PING")
    finally:
        await router.close()


def test_check_says_what_is_wrong_without_the_password(new_server):
    """One sentence, and exit 1."""
    (port,) = free_ports(1)
    with new_server("redis7", port=port).client() as admin:
        admin.config_set("requirepass", "other")
    failed = run_command("check", REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:{port}")
    assert failed.returncode == 1
    assert "does not accept the user name and password (WRONGPASS)" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert PASSWORD not in failed.stderr + failed.stdout


def _tls_options(pem, authority):
    files = ["--tls-cert-file", pem.certificate, "--tls-key-file", pem.key]
    return [*map(str, [*files, "--tls-ca-cert-file", authority.certificate])]


async def test_a_cluster_that_speaks_tls(new_server, authority, new_router):
    """Every node, and its bus; the nodes name TLS ports, which calls follow."""
    plain, port = free_ports(2)
    files = [*_tls_options(authority.new("node"), authority), "--tls-auth-clients", "no"]
    cluster = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--tls-port", str(port)]
    server = new_server("redis7", port=plain, argv=[*files, *cluster])
    with server.client() as admin:
        admin.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: b"cluster_state:ok" in _raw(admin, "CLUSTER INFO"))
    query = f"?ssl=true&ssl_ca_certs={authority.certificate}"
    router = new_router(f"redis+cluster://127.0.0.1:{port}{query}")
    assert await router.run(COUNT, ["n"], []) == 1
    assert [endpoint.port for endpoint in await router.primaries()] == [port]


async def test_sentinels_that_speak_tls_with_a_password_of_their_own(
    new_server, authority, new_router, tmp_path
):
    """They are asked over TLS, with their password; a wrong one has its sentence."""
    primary, watcher = free_ports(2)
    files = [*_tls_options(authority.new("watched"), authority), "--tls-auth-clients", "no"]
    server = new_server("redis7", argv=["--tls-port", str(primary), *files])
    sentinel = Server("redis7")
    options = [word.removeprefix("--") for word in files]
    pairs = [" ".join(pair) for pair in zip(options[::2], options[1::2], strict=True)]
    lines = [
        "port 0",
        f"tls-port {watcher}",
        "tls-replication yes",
        f"unixsocket {sentinel.socket}",
        f"dir {sentinel.directory}",
        "requirepass watch",
        f"sentinel monitor mymaster 127.0.0.1 {primary} 1",
        *pairs,
    ]
    (tmp_path / "sentinel.conf").write_text("\n".join(lines) + "\n")
    command = [str(sentinel.binary), str(tmp_path / "sentinel.conf"), "--sentinel"]
    sentinel.command_line = lambda: command
    sentinel.start(wait=False)
    try:
        query = f"ssl=true&ssl_ca_certs={authority.certificate}&sentinel_password="
        url = f"redis+sentinel://127.0.0.1:{watcher}/mymaster/0?{query}"
        router = new_router(f"{url}watch", timeout=10)
        assert await router.run(COUNT, ["n"], []) == 1
        with server.client() as admin:
            assert admin.get("n") == b"1"
        assert "no sentinel of" in await sentence(new_router, f"{url}{PASSWORD}")
    finally:
        sentinel.close()


def _raw(client, command):
    return str(client.execute_command(command)).replace("'", "").replace(": ok", ":ok").encode()
