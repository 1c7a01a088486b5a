"""How Redis is set up is looked at again: after an absence, a restart and a failover."""

from __future__ import annotations

import json

import pytest
from ports import free_ports
from redis.crc import key_slot
from replicas import run_command
from waiting import wait_until

from coordinator.store import keys

EVICTS = ["--maxmemory-policy", "allkeys-lru"]


@pytest.fixture(params=["valkey", "redis7"])
def kind(request):
    """Each kind of server."""
    return request.param


def reason(replica):
    """Why /readyz says that the replica cannot work; empty if it can."""
    answer = replica.get("/readyz")
    assert answer.status in {200, 503}
    return json.loads(answer.body).get("reason", "")


def flags(server):
    """Which keyspace notifications a server sends."""
    with server.client() as client:
        return set(client.config_get("notify-keyspace-events")["notify-keyspace-events"])


def configure(server, name, value):
    """Change a setting of a running server."""
    with server.client() as client:
        client.config_set(name, value)


def is_primary(server, name):
    """Whether this node of a cluster knows the one of that name as a primary with slots."""
    with server.client() as client:
        nodes = client.execute_command("CLUSTER NODES").values()
    (node,) = (each for each in nodes if each["node_id"] == name)
    return "master" in node["flags"] and bool(node["slots"])


def test_a_redis_that_was_away_at_the_start_is_inspected_when_it_is_there(
    new_server, kind, new_replica
):
    """What stops the start makes the replica not ready, is logged once, and can be mended."""
    server = new_server(kind, aof=True, argv=EVICTS)
    server.stop()
    replica = new_replica(server.url, wait=False, REDIS_TIMEOUT=0.5)
    server.start()
    wait_until(lambda: "maxmemory-policy is allkeys-lru" in reason(replica))
    configure(server, "maxmemory-policy", "noeviction")
    wait_until(replica.ready)
    assert "Redis is set up as it must be again" in replica.log
    assert replica.log.count("[error ") == 1, replica.log
    assert flags(server) >= set("Ex")


def test_a_restarted_redis_is_told_again_to_send_events(new_server, kind, new_replica):
    """CONFIG SET did not outlive the restart."""
    server = new_server(kind, aof=True)
    replica = new_replica(server.url)
    wait_until(lambda: flags(server) >= set("Ex"))
    server.stop()
    server.start()
    wait_until(lambda: flags(server) >= set("Ex"))
    wait_until(replica.ready)
    assert "[error " not in replica.log


def test_a_redis_restarted_without_what_always_needs_makes_the_replica_unready(
    new_server, new_replica
):
    """The promise would be empty from then on."""
    server = new_server(aof=True, argv=["--appendfsync", "always"])
    replica = new_replica(server.url, DURABILITY="always")
    server.argv = []
    server.restart()
    wait_until(lambda: "appendfsync always" in reason(replica))
    configure(server, "appendfsync", "always")
    wait_until(replica.ready)


def test_a_promoted_replica_is_inspected(new_cluster, new_replica):
    """It may be set up otherwise than the primary before it, and was never connected to."""
    cluster = new_cluster()
    promoted = cluster.add_replica(cluster.owner(key_slot(keys.key("meta", 0))))
    configure(promoted, "maxmemory-policy", "allkeys-lru")
    replica = new_replica(cluster.url)
    name = cluster.node_id(promoted)
    replica.pause()  # until all know of it, or it might read and keep a table that is out of date
    cluster.promote(promoted)
    wait_until(lambda: all(is_primary(server, name) for server in cluster.servers), 20)
    replica.resume()
    wait_until(lambda: "maxmemory-policy is allkeys-lru" in reason(replica), 20)
    assert str(promoted.port) in reason(replica)
    configure(promoted, "maxmemory-policy", "noeviction")
    wait_until(replica.ready)
    assert flags(promoted) >= set("Ex")


def test_check_changes_nothing(new_server, kind):
    """It says that events are not sent; the replica's start turns them on."""
    server = new_server(kind, aof=True)
    checked = run_command("check", REDIS_URL=server.url)
    assert checked.returncode == 0, checked.stdout
    assert "notify-keyspace-events lacks Ex" in checked.stdout
    assert flags(server) == set()


def test_replicas_need_a_redis_that_can_have_some():
    """The embedded server has none: the start is refused in one sentence."""
    failed = run_command("serve", "--port", "0", DURABILITY="replicas:1")
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    sentence = failed.stderr.partition("coordinator: ")[2].strip()
    assert "COORDINATOR_DURABILITY is replicas:1" in sentence
    assert "COORDINATOR_REDIS_URL" in sentence


def test_too_few_replicas_fail_the_check_and_not_the_start(new_server, kind, new_replica):
    """They may come later; then all is well."""
    server = new_server(kind, aof=True, port=free_ports(1)[0])
    settings = {"DURABILITY": "replicas:1"}
    checked = run_command("check", REDIS_URL=server.url, **settings)
    assert checked.returncode == 1
    assert "0 replica(s) are connected" in checked.stdout
    replica = new_replica(server.url, **settings)
    assert "0 replica(s) are connected" in replica.log
    new_server(kind, argv=["--replicaof", f"127.0.0.1 {server.port}"])
    wait_until(lambda: run_command("check", REDIS_URL=server.url, **settings).returncode == 0, 30)


@pytest.mark.parametrize(
    ("wrong", "right"), [("REDIS_TIMEOT", "REDIS_TIMEOUT"), ("POLLWAIT", "POLL_WAIT")]
)
def test_an_unknown_setting_is_a_warning_with_the_nearest_known_one(
    new_server, new_replica, wrong, right
):
    """`serve` and `check` say it in one line, and go on."""
    server = new_server(aof=True)
    sentence = f"COORDINATOR_{wrong} is no setting and is ignored; the nearest is COORDINATOR_"
    replica = new_replica(server.url, **{wrong: 1})
    assert replica.log.count(f"[warning  ] {sentence}{right}.") == 1
    assert replica.log.count("is no setting") == 1
    checked = run_command("check", REDIS_URL=server.url, **{wrong: 1})
    assert checked.returncode == 0
    assert checked.stderr.count(f"{sentence}{right}.") == 1
