"""What `coordinator serve` and `coordinator check` say of a Redis and of settings."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
from pipelines import create
from processes import CommandProcess
from replicas import ReplicaProcess, run_command
from waiting import wait_until

from coordinator.config import Settings


@pytest.fixture(params=["valkey", "redis7"])
def kind(request):
    """Each kind of server."""
    return request.param


def serve(server, **settings):
    """Run `coordinator serve`, which must end by itself."""
    return run_command("serve", "--port", "0", REDIS_URL=server.url, **settings)


def sentences(finished):
    """What a command that must fail said at its end: each line a sentence, and no traceback."""
    assert finished.returncode == 1, finished.stderr
    assert "Traceback" not in finished.stderr
    lines = finished.stderr.partition("coordinator: ")[2].strip().split("\n")
    assert all(line.endswith(".") for line in lines), lines
    return lines


@pytest.mark.parametrize("policy", ["volatile-lru", "allkeys-random", "volatile-ttl"])
def test_an_eviction_policy_that_loses_leases_stops_the_start(new_server, kind, policy):
    """One sentence names the setting and what it must be."""
    server = new_server(kind, aof=True, argv=["--maxmemory-policy", policy])
    (sentence,) = sentences(serve(server))
    assert f"maxmemory-policy is {policy}" in sentence
    assert "noeviction" in sentence


def test_durability_always_needs_a_server_that_is_set_to_it(new_server):
    """Otherwise the promise would be empty."""
    server = new_server(aof=True)
    (sentence,) = sentences(serve(server, DURABILITY="always"))
    assert "appendfsync always" in sentence


def test_no_append_only_file_is_a_warning(new_server, kind, new_replica):
    """The replica serves."""
    replica = new_replica(new_server(kind).url)
    assert "appendonly is no: a restart of Redis loses all work" in replica.log


def test_check_passes_where_all_is_well(new_server, kind):
    """A row for each thing looked at; exit 0."""
    checked = run_command("check", REDIS_URL=new_server(kind, aof=True).url)
    assert checked.returncode == 0, checked.stdout
    for about in ("version", "eviction", "notifications", "durability", "scripts"):
        assert about in checked.stdout
    assert "error" not in checked.stdout


@pytest.mark.parametrize(
    ("aof", "argv", "about"),
    [
        (True, ["--maxmemory-policy", "volatile-lru"], "maxmemory-policy is volatile-lru"),
        (False, [], "appendonly is no"),
    ],
)
def test_check_fails_where_work_would_be_lost(new_server, kind, aof, argv, about):
    """The table says what is wrong; exit 1."""
    checked = run_command("check", REDIS_URL=new_server(kind, aof=aof, argv=argv).url)
    assert checked.returncode == 1
    assert about in checked.stdout
    assert "Traceback" not in checked.stderr


def test_check_of_a_redis_that_is_away(tmp_path):
    """One sentence."""
    url = f"unix://{tmp_path}/redis.sock"
    (sentence,) = sentences(run_command("check", REDIS_URL=url, REDIS_TIMEOUT=0.5))
    assert "redis.sock" in sentence


def test_check_needs_a_redis():
    """The embedded server belongs to `serve` alone."""
    checked = run_command("check")
    assert checked.returncode == 2
    assert "COORDINATOR_REDIS_URL" in checked.stderr


BAD = {
    "REDIS_TIMEOUT": "0",
    "DRAIN_DELAY": "-1",
    "DURABILITY": "replicas:0",
    "ACK_TIMEOUT": "-1",
    "PROGRESS_TIMEOUT": "nan",
    "STALE_AFTER": "0",
    "POLL_WAIT": "91",
    "OUTAGE_THRESHOLD": "",
    "OUTAGE_GRACE": "inf",
    "MAX_LOST_LEASES": "1.5",
    "MAXIMUM_RETRIES": "-1",
    "RETRY_DELAY": "1e300",
    "FAILURE_MODE": "cascading",
    "ACTIVE_INTERVALS": "0",
    "BACKFILL_GUARD": "on",
    "MAX_BODY": "10",
    "MAX_HEADERS": "100",
    "MAX_INFLIGHT": "100",
    "MAX_CONNECTIONS": "0",
    "REQUEST_TIMEOUT": "0",
    "MAX_POLLS": "-1",
    "MAX_PENDING": "-1",
    "RATES": "PollForTask=2",
    "RESOURCE_GROUPS": "Ec2Resource",
    "HISTORY_DAYS": "0",
    "ALARM_URL": "pager.example.com",
    "METRICS_GROUPS": "0",
    "AUTH": "open",
    "REGION": "US East",
    "ADMIN_PORT": "65536",
    "AUDIT": "everything",
    "LOG_FORMAT": "xml",
    "LOG_LEVEL": "loud",
}
# The Redis URL and the files have tests of their own.
FILES = {"data_dir", "redis_password_file", "credentials_file", "tls_certificate", "tls_key"}
TAKE_ANYTHING = {"redis_url", "allowed_hosts", "admin_host", *FILES}


def test_every_bad_setting_has_a_sentence(new_server):
    """All of them at once, each named with its value; exit 1 and no traceback."""
    lines = sentences(serve(new_server(), **BAD))
    assert len(lines) == len(BAD)
    assert {name.lower() for name in BAD} | TAKE_ANYTHING == set(Settings.model_fields)
    for name, value in BAD.items():
        (line,) = (line for line in lines if line.startswith(f"COORDINATOR_{name}:"))
        assert repr(value) in line


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@127.0.0.1",
        "redis://user:hunter2@127.0.0.1:port",
        "redis+sentinel://user:hunter2@127.0.0.1",
    ],
)
def test_a_bad_redis_url_has_a_sentence_without_its_password(url):
    """Logs are read by many."""
    failed = run_command("serve", "--port", "0", REDIS_URL=url)
    (sentence,) = sentences(failed)
    assert "COORDINATOR_REDIS_URL" in sentence or "Redis URL" in sentence
    assert "hunter2" not in failed.stderr


def test_nobody_is_let_in_from_a_network_by_oversight():
    """On another address than loopback a sentence names the two ways out; nothing is started."""
    for host in ("0.0.0.0", "::", "10.0.0.1"):
        (sentence,) = sentences(run_command("serve", "--host", host, "--port", "0"))
        assert host in sentence
        assert "COORDINATOR_CREDENTIALS_FILE" in sentence
        assert "COORDINATOR_AUTH=none" in sentence


def test_a_password_needs_a_redis(tmp_path):
    """The embedded server has none."""
    (sentence,) = sentences(run_command("serve", "--port", "0", REDIS_PASSWORD_FILE=tmp_path / "x"))
    assert "set COORDINATOR_REDIS_URL too" in sentence


def test_signatures_need_a_file():
    """Without one nobody could call."""
    (sentence,) = sentences(run_command("serve", "--port", "0", AUTH="sigv4"))
    assert "COORDINATOR_CREDENTIALS_FILE" in sentence
    assert "coordinator credentials new" in sentence


def test_a_credentials_file_that_cannot_be_used_stops_the_start(new_server, tmp_path):
    """Each mistake is a sentence with the name of the file."""
    path = tmp_path / "credentials.toml"
    server = new_server(aof=True)
    (sentence,) = sentences(serve(server, CREDENTIALS_FILE=path))
    assert f"{path}: It cannot be read" in sentence
    path.write_text("[[credential]]\naccount = 'a'\nsecret_access_key = 'short and secret'\n")
    failed = serve(server, CREDENTIALS_FILE=path)
    lines = sentences(failed)
    assert len(lines) == 3
    assert all(str(path) in line for line in lines)
    assert "short and secret" not in failed.stderr


def test_open_on_loopback_is_said_in_one_line(new_server, new_replica, tmp_path):
    """Without a file, or where it was said on purpose; then the file is not looked at."""
    replica = new_replica(new_server(aof=True).url)
    assert replica.log.count("no signatures: open to everybody on this machine") == 1
    path = tmp_path / "none.toml"
    replica = new_replica(new_server(aof=True).url, AUTH="none", CREDENTIALS_FILE=path)
    assert "COORDINATOR_CREDENTIALS_FILE is not looked at" in replica.log
    assert replica.post("ListPipelines", {}).status == 200


def test_open_to_a_network_on_purpose(new_server, tmp_path):
    """Serves, and says to whom."""
    log = tmp_path / "log"
    settings = {"REDIS_URL": new_server(aof=True).url, "AUTH": "none"}
    process = CommandProcess(log, ["serve", "--host", "0.0.0.0", "--port", "0"], settings)
    try:
        wait_until(lambda: "serving the AWS" in process.log, 60)
        assert "open to everybody who can reach 0.0.0.0" in process.log
    finally:
        process.close()


def test_a_port_in_use_has_a_sentence(new_server):
    """Exit 1 and no traceback."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        (sentence,) = sentences(run_command("serve", "--port", port, REDIS_URL=new_server().url))
    assert port in sentence


def test_a_replica_started_before_redis_works_when_redis_is_there(new_server, new_replica):
    """Until then it answers with errors, and /readyz says why."""
    server = new_server(aof=True)
    server.stop()
    replica: ReplicaProcess = new_replica(server.url, wait=False, REDIS_TIMEOUT=0.5)
    assert replica.get("/healthz").status == 200
    assert replica.get("/readyz").status == 503
    refused = replica.post("CreatePipeline", {"name": "n", "uniqueId": "u"})
    assert (refused.status, refused.headers["x-amzn-errortype"]) == (500, "InternalServiceError")
    server.start()
    wait_until(replica.ready)
    api = replica.client()
    assert create(api)
    api.close()


def test_a_signal_ends_a_replica_in_order(new_server, new_replica):
    """Exit 0, also while a poll waits, which is answered."""
    replica = new_replica(new_server().url)
    assert replica.stop() == 0
    assert "Traceback" not in replica.log
