"""The image is built and docker-compose.yml brought up in containers: `make test-deploy`, as root.

What cannot be pulled is made of Debian's packages (Containerfile); Grafana is left out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import images
import pytest
from engine import Engine
from servers import installed
from stack import Stack
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(1500)

CACHE = Path(os.environ.get("DEPLOY_CACHE") or images.ROOT / ".venv/deploy")
PROGRAMS = ("podman", "buildah", "runc", "debootstrap")
SCRAPED = 90
WORKED = 180
ACTIVITIES = [f"Work{number}" for number in range(16)]
USERS = {
    "coordinator": 10001,
    "runner": 10001,
    "redis": 999,
    "haproxy": 99,
    "prometheus": 65534,
    "alertmanager": 65534,
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack, up; in the end everything of it is taken away."""
    if os.geteuid():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("containers need root: NOT TESTED")
    for program in PROGRAMS:
        installed(program, program)
    CACHE.mkdir(parents=True, exist_ok=True)
    engine = Engine(CACHE)
    try:
        images.build(engine)
        engine.start()
        stack = Stack(engine)
        stack.run("docker compose up -d")
        yield stack
        stack.run("docker compose --profile * down --volumes --timeout 5")
    finally:
        engine.close()


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
    pipeline = _start(client)
    # Two tasks each: with three of them, each runner has one.
    wait_until(lambda: _count(client, pipeline, "RUNNING") >= 3, WORKED)
    stack.engine.run("podman", "kill", stack.containers("coordinator")[0])
    stack.engine.run("podman", "kill", stack.containers("runner")[0])
    stack.run("docker compose restart redis")
    wanted = dict.fromkeys(ACTIVITIES, "FINISHED") | {"Fails": "FAILED"}
    wait_until(lambda: _statuses(client, pipeline) == wanted, WORKED)
    wait_until(lambda: stack.ask("sum(coordinator_lost_total)") >= 1, SCRAPED)


def test_a_second_start_keeps_credentials(stack):
    """What was killed is there again, and the key from before still counts."""
    client, before = stack.client(), stack.credentials()
    stack.run("docker compose up -d")
    assert stack.credentials() == before
    assert len(stack.containers("coordinator")) == 3
    client.list_pipelines()


def test_cluster(stack):
    """The profile makes a Redis Cluster, and the sample runs on it."""
    stack.run("docker compose --profile cluster up -d")
    endpoint = "ENDPOINT=http://coordinator-cluster:8080"
    shown = stack.run(f"docker compose run --rm --env {endpoint} sample")
    assert shown.count("FINISHED") == 3, shown


def _start(client: Any) -> str:
    """Activate tasks of some seconds whose runners must report often, and one that fails."""
    made = client.create_pipeline(name="work", uniqueId="work")["pipelineId"]
    objects = [_activity(name, "sleep 6") for name in ACTIVITIES]
    objects.append(_activity("Fails", "exit 3"))
    put = client.put_pipeline_definition(pipelineId=made, pipelineObjects=objects)
    assert not put["errored"], put
    client.activate_pipeline(pipelineId=made)
    return str(made)


def _activity(name: str, command: str) -> dict[str, Any]:
    texts = {
        "type": "ShellCommandActivity",
        "command": command,
        "workerGroup": "etl",
        "reportProgressTimeout": "5 seconds",
        "maximumRetries": "0",
    }
    fields = [{"key": key, "stringValue": value} for key, value in texts.items()]
    return {"id": name, "name": name, "fields": fields}


def _statuses(client: Any, pipeline: str) -> dict[str, str]:
    """Return the status of each activity by its name."""
    ids = client.query_objects(pipelineId=pipeline, sphere="INSTANCE")["ids"]
    found = client.describe_objects(pipelineId=pipeline, objectIds=ids)["pipelineObjects"]
    return {
        one["id"].lstrip("@").partition("_")[0]: field["stringValue"]
        for one in found
        for field in one["fields"]
        if field["key"] == "@status"
    }


def _count(client: Any, pipeline: str, status: str) -> int:
    return list(_statuses(client, pipeline).values()).count(status)
