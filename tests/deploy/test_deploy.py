"""The image is built and docker-compose.yml brought up in containers: `make test-deploy`, as root.

What cannot be pulled is made of Debian's packages (Containerfile); Grafana is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pipelines import activity, start, statuses
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.timeout(1500)

SCRAPED = 90
WORKED = 180
SLEEPERS = [f"Work{number}" for number in range(16)]
USERS = {
    "coordinator": 10001,
    "runner": 10001,
    "redis": 999,
    "haproxy": 99,
    "prometheus": 65534,
    "alertmanager": 65534,
}


def test_sample(stack):
    """A user's first command ends well."""
    shown = stack.run("docker compose run --rm sample")
    assert shown.count("FINISHED") == 3, shown


def test_each_replica_is_scraped(stack):
    """Prometheus finds all three by the name of the service."""
    wait_until(lambda: stack.ask('sum(up{job="coordinator"})') == 3, SCRAPED)


@pytest.mark.parametrize("service", USERS)
def test_containers_may_change_little(stack, service):
    """The root file system is read-only, the user is not root, and there are no capabilities."""
    found = stack.containers(service)
    assert found
    for container in found:
        known = stack.engine.inspect(container)
        assert known["HostConfig"]["ReadonlyRootfs"]
        assert known["EffectiveCaps"] in (None, [])
        assert stack.engine.run("podman", "exec", container, "id", "-u") == str(USERS[service])


def test_replicas_are_healthy(stack):
    """The health check of the image says so."""
    for container in stack.containers("coordinator"):
        stack.engine.run("podman", "healthcheck", "run", container)


def test_no_work_is_lost(stack):
    """A replica and a runner are killed, Redis is restarted: each task ends as it must."""
    client = stack.client()
    commands = dict.fromkeys(SLEEPERS, "sleep 6") | {"Fails": "exit 3"}
    pipeline = start(client, *_activities(commands))
    # Two tasks each: with three of them, each runner has one.
    wait_until(lambda: _count(client, pipeline, "RUNNING") >= 3, WORKED)
    stack.engine.run("podman", "kill", stack.containers("coordinator")[0])
    stack.engine.run("podman", "kill", stack.containers("runner")[0])
    stack.run("docker compose restart redis")
    wanted = dict.fromkeys(SLEEPERS, "FINISHED") | {"Fails": "FAILED"}
    wait_until(lambda: statuses(client, pipeline) == wanted, WORKED)
    wait_until(lambda: stack.ask("sum(coordinator_lost_total)") >= 1, SCRAPED)


def test_a_second_start_keeps_credentials(stack):
    """What was killed is there again, and the key from before still counts."""
    client, before = stack.client(), stack.credentials()
    stack.run("docker compose up -d")
    assert stack.credentials() == before
    assert len(stack.containers("coordinator")) == 3
    client.list_pipelines()


def _activities(commands: Mapping[str, str]) -> list[dict[str, Any]]:
    """Make activities, by their commands, whose runners must report often."""
    options = {"reportProgressTimeout": "5 seconds", "maximumRetries": "0"}
    return [activity(name, "etl", command=text, **options) for name, text in commands.items()]


def _count(client: Any, pipeline: str, status: str) -> int:
    return list(statuses(client, pipeline).values()).count(status)
