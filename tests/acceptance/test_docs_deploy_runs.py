"""Commands of docs/deploy.md, run without containers: a back-up, a restore, a runner that dies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ENDPOINT, blocks, page, run_bash
from installed_clients import installed
from pipelines import statuses
from prometheus_client.parser import text_string_to_metric_families
from replicas import environment
from stack_credentials import Secrets, StackRedis
from waiting import wait_until

PAGE = page("deploy.md")
CONSOLE = blocks(PAGE, "console")
(DEFINITION,) = blocks(PAGE, "json")
CONTAINER = re.compile(r"docker compose (?:exec|run --rm --no-deps) -T redis sh ")


def block(word):
    """Return the commands with a word in them."""
    (found,) = (one for one in CONSOLE if word in one)
    return found


@pytest.fixture
def stack_redis(tmp_path):
    """Redis, as the stack has it."""
    root = tmp_path / "secrets"
    root.mkdir()
    secrets = Secrets(root)
    secrets.make()
    server = StackRedis(secrets)
    server.start()
    yield server
    server.close()


def bash(script, directory, **variables):
    """Run commands in a directory; they must succeed."""
    return run_bash(script, directory, os.environ | variables)


def in_redis(script, server):
    """Return commands for the container of Redis as ones for a server of this machine."""
    assert CONTAINER.search(script)
    places = {
        "/secrets/password": f"{server.secrets.root}/redis/password",
        "/etc/redis/container.conf": f"{server.directory}/container.conf --port 0"
        f" --unixsocket {server.socket}",
        "/data/": f"{server.directory}/",
        "redis-cli ": f"redis-cli -s {server.socket} ",
    }
    script = CONTAINER.sub("sh ", script)
    for theirs, ours in places.items():
        script = script.replace(theirs, ours)
    return re.sub(r"^docker compose .*\n", "", script, flags=re.MULTILINE)


def test_a_back_up_comes_back(stack_redis, tmp_path):
    """What was written after it is gone, what was before is there, and is kept from then on."""
    with stack_redis.client() as admin:
        admin.set("before", 1)
        bash(in_redis(block("--rdb -"), stack_redis), tmp_path)
        admin.set("before", 2)
        admin.set("after", 1)
    stack_redis.stop()
    bash(in_redis(block("--appendonly no"), stack_redis), tmp_path)
    for _ in range(2):
        stack_redis.restart()
        with stack_redis.client() as admin:
            assert admin.mget("before", "after") == [b"1", None]
            assert admin.info("persistence")["aof_enabled"] == 1


def test_changed_users_are_taken_over(stack_redis, tmp_path):
    """Without a restart."""
    path = stack_redis.secrets.root / "redis/users.acl"
    text = path.read_text()
    path.chmod(0o600)
    path.write_text(text.replace("+ping", "+ping +echo"))
    bash(in_redis(block("acl load"), stack_redis), tmp_path)
    with stack_redis.client("coordinator") as client:
        assert client.echo("heard") == b"heard"


def runner(replica, directory):
    """Start a task runner of the group `etl`."""
    command = [sys.executable, "-m", "coordinator.cli", "runner", "--worker-group", "etl"]
    with (directory / "log").open("ab") as log:
        return subprocess.Popen(
            [*command, "--endpoint", replica.url],
            cwd=directory,
            env=environment({}) | ANY_KEY,
            stderr=log,
        )


ANY_KEY = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}


def lost(replica):
    """Return how many leases were lost, by cause, but for causes of none."""
    page = replica.get("/metrics").body.decode()
    (family,) = (one for one in text_string_to_metric_families(page) if one.name == METRIC)
    return {row.labels["cause"]: row.value for row in family.samples if row.value}


METRIC = "coordinator_lost"


def test_a_lost_lease_is_counted_and_its_task_offered_again(new_server, new_replica, tmp_path):
    """As the page has it, but that the runner must report every second, and is a process."""
    replica = new_replica(new_server().url, POLL_WAIT=1)
    definition = DEFINITION.replace("20 seconds", "1 second").replace("sleep 60", "sleep 600")
    (tmp_path / "long.json").write_text(definition)
    commands, _, rest = block("kill runner").partition("docker compose kill runner\n")
    assert rest == "docker compose up -d\n"
    asked = block("coordinator_lost_total")
    assert f"sum by (cause) ({METRIC}_total)" in asked
    variables = {
        **ANY_KEY,
        "PATH": f"{Path(installed('aws')).parent}:{os.environ['PATH']}",
        "AWS_ENDPOINT_URL_DATA_PIPELINE": replica.url,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    assert ENDPOINT not in commands
    client = replica.client()
    started = [runner(replica, tmp_path)]
    try:
        made = bash(commands + "echo id=$id", tmp_path, **variables)
        (identity,) = re.findall(r"^id=(\S+)$", made, re.MULTILINE)
        wait_until(lambda: statuses(client, identity) == {"Long": "RUNNING"}, 30)
        started[0].kill()
        wait_until(lambda: lost(replica) == {"silent": 1}, 20)
        started.append(runner(replica, tmp_path))
        wait_until(lambda: statuses(client, identity) == {"Long": "RUNNING"}, 30)
        shown = bash(asked.splitlines()[1].replace("$id", identity), tmp_path, **variables)
        assert re.search(r"Long .*RUNNING", shown, re.DOTALL)
        why = bash(f"id={identity}\n{block('waitingReason')}", tmp_path, **variables)
        assert re.fullmatch(r"@Long_\S+\truns on '.*', .*, must report again by \S+\n", why)
    finally:
        client.close()
        for process in started:
            process.kill()
            process.wait()
