"""An alert's way: replica, Prometheus, Alertmanager, a webhook; and who is told of what."""

from __future__ import annotations

from contextlib import closing

import pytest
from alarming import Receiver
from alertmanager import Alertmanager
from prometheus_server import Prometheus
from waiting import wait_until

JOB = {"job": "coordinator"}
REPLICA = {**JOB, "instance": "a:9100"}
BALANCER = {"job": "haproxy"}
GROUP = {**JOB, "account": "local", "worker_group": "etl"}


@pytest.fixture
def receiver():
    """A webhook."""
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def alertmanager(tmp_path, receiver):
    """An Alertmanager that posts to the webhook."""
    with closing(Alertmanager(tmp_path, receiver.url)) as made:
        made.start()
        yield made


@pytest.fixture
def replicas(new_server, new_replica):
    """Two replicas of one Valkey, with ports for Prometheus."""
    server = new_server(aof=True)
    return [new_replica(server.url, ADMIN_PORT=0) for _ in range(2)]


@pytest.fixture
def prometheus(tmp_path, replicas, alertmanager):
    """A Prometheus that sees both up, and whose alerts wait for a second only."""
    targets = [f"127.0.0.1:{replica.admin_port}" for replica in replicas]
    manager = alertmanager.address
    with closing(Prometheus(tmp_path, targets, alertmanager=manager, waits=1)) as made:
        made.start()
        wait_until(lambda: made.query("sum(up) == 2"), 20)
        yield made


def told(receiver, alert, status):
    """Return the alerts of a name that the webhook was told of with a status."""
    posts = [post for post in list(receiver.events) if post["groupLabels"]["alertname"] == alert]
    return [one for post in posts for one in post["alerts"] if one["status"] == status]


@pytest.mark.usefixtures("prometheus")
def test_a_replica_that_dies_is_told_and_one_that_is_back(replicas, receiver):
    """The webhook gets the alert with its texts, and later that it is over."""
    instance = f"127.0.0.1:{replicas[1].admin_port}"
    replicas[1].kill()
    found = wait_until(lambda: told(receiver, "ReplicaDown", "firing"), 30)
    assert found[0]["labels"] == {
        "alertname": "ReplicaDown",
        "instance": instance,
        "severity": "warning",
        **JOB,
    }
    assert found[0]["annotations"]["summary"] == f"Replica {instance} is down"
    assert found[0]["annotations"]["runbook_url"] == "deploy/runbook.md#replicadown"
    replicas[1].settings["ADMIN_PORT"] = instance.rpartition(":")[2]
    replicas[1].start()
    wait_until(lambda: told(receiver, "ReplicaDown", "resolved"), 30)
    assert {post["receiver"] for post in receiver.events} == {"on-call"}


ROUTES = [
    # what fires, with its labels; what else does; which of these nobody is told of
    pytest.param({"EventsDead": JOB}, {"EventsDead"}, id="info wakes nobody"),
    pytest.param({"TimersBroken": JOB, "AlarmsStuck": JOB}, set(), id="unrelated"),
    pytest.param(
        {
            "CoordinatorDown": JOB,
            "ReplicaDown": REPLICA,
            "TimersBehind": JOB,
            "LoadBalancerErrors": BALANCER,
            "LoadBalancerDown": BALANCER,
        },
        {"ReplicaDown", "TimersBehind", "LoadBalancerErrors"},
        id="no replica",
    ),
    pytest.param(
        {
            "AllRedisUnreachable": JOB,
            "RedisUnreachable": REPLICA,
            "ApiErrors": JOB,
            "LeasesStale": JOB,
            "LoadBalancerErrors": BALANCER,
            "CredentialsBroken": REPLICA,
        },
        {"RedisUnreachable", "ApiErrors", "LeasesStale", "LoadBalancerErrors"},
        id="no redis",
    ),
    pytest.param(
        {
            "RedisUnreachable": REPLICA,
            "ApiErrors": JOB,
            "TimersBehind": JOB,
            "NoRunnerForGroup": GROUP,
            "LoadBalancerErrors": BALANCER,
        },
        set(),
        id="no redis for one replica",
    ),
    pytest.param(
        {"CoordinatorDown": {"job": "another"}, "ReplicaDown": JOB}, set(), id="another coordinator"
    ),
    pytest.param({"ReplicaDown": JOB, "ReplicaMissing": JOB}, {"ReplicaMissing"}, id="missing"),
    pytest.param(
        {"NoRunnerForGroup": GROUP, "ReadyBacklogAging": GROUP}, {"ReadyBacklogAging"}, id="group"
    ),
    pytest.param(
        {"NoRunnerForGroup": {**GROUP, "account": "other"}, "ReadyBacklogAging": GROUP},
        set(),
        id="another account's group",
    ),
]


@pytest.mark.parametrize(("firing", "untold"), ROUTES)
def test_who_is_told(alertmanager, firing, untold):
    """What follows from another alert is held back, and info goes to nobody."""
    rows = [
        {"labels": {**labels, "alertname": name, "severity": severity(name)}}
        for name, labels in firing.items()
    ]
    alertmanager.post("api/v2/alerts", rows)
    wait_until(lambda: settled(alertmanager, firing), 10)
    wait_until(lambda: silent(alertmanager) == untold, 10)


def severity(alert):
    """Return an alert's severity, as far as routes ask for it."""
    return "info" if alert == "EventsDead" else "warning"


def settled(alertmanager, firing):
    """Whether all are there and their state is known."""
    found = alertmanager.alerts()
    states = {row["status"]["state"] for row in found.values()}
    return found.keys() == firing.keys() and "unprocessed" not in states


def silent(alertmanager):
    """Return the names of the alerts that nobody is told of."""
    return {
        name
        for name, row in alertmanager.alerts().items()
        if row["status"]["inhibitedBy"] or row["receivers"] != [{"name": "on-call"}]
    }
