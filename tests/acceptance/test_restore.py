"""The runbook's back-up and restore, by its own commands: what is kept, and what is done again."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from documents import run_bash
from dumps import read_node
from invariants import check_invariants
from pipelines import activity, finish, new_group, poll, start, statuses
from ports import free_ports
from replicas import ReplicaProcess, environment
from servers import Server

RUNBOOK = Path(__file__).parents[2] / "deploy" / "runbook.md"
SETTINGS = {"POLL_WAIT": 1, "OUTAGE_THRESHOLD": 1}


def commands() -> tuple[str, str]:
    """Return the commands of the runbook that take a snapshot, and those that restore one."""
    section = RUNBOOK.read_text().partition("## Back-up and restore")[2].partition("\n## ")[0]
    save, restore = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return save, restore


def run(script: str, directory: Path, url: str, **variables: str) -> str:
    """Run commands as they stand, in a directory; they must succeed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    known = environment({"REDIS_URL": url}) | {"PATH": path, "COLUMNS": "200"}
    return run_bash(script, directory, known | variables)


@contextmanager
def replica_on(url):
    """Serve on a Redis for a while."""
    replica = ReplicaProcess(url, **SETTINGS)
    try:
        replica.start()
        yield replica
    finally:
        replica.close()


@contextmanager
def restored(directory: Path):
    """Restore the snapshot in a directory to a new Redis of its own; yield its URL."""
    (port,) = free_ports(1)
    url, data, conf = f"redis://127.0.0.1:{port}", directory / "data", directory / "redis.conf"
    data.mkdir()
    conf.write_text(
        f"port {port}\nbind 127.0.0.1\npidfile {directory}/pid\nlogfile {directory}/log\n"
    )
    try:
        run(commands()[1], directory, url, REDIS_DIR=str(data), REDIS_CONF=str(conf))
        yield url
    finally:
        if (directory / "pid").exists():
            with redis.Redis(port=port) as client:
                client.shutdown(nosave=True)


@pytest.fixture
def redis7():
    """A Redis with an append-only file and a port."""
    server = Server("redis7", aof=True, port=free_ports(1)[0])
    server.start()
    yield server
    server.close()


def work_on(server: Server, directory: Path):
    """Take a snapshot between two tasks: one is held then, the other is taken and ended later."""
    group = new_group()
    with replica_on(server.url) as replica:
        api = replica.client()
        pipeline = start(api, activity("A", group), activity("B", group))
        held = poll(api, group)
        api.report_task_progress(taskId=held["taskId"])
        run(commands()[0], directory, server.url)
        later = poll(api, group)
        finish(api, later)
        start(api, activity("C", group))
        api.close()
    return group, pipeline, held, later


def test_a_snapshot_brings_back_what_there_was(redis7, tmp_path):
    """A lease of then goes on, a task that ended since is offered again, and all is consistent."""
    group, pipeline, held, later = work_on(redis7, tmp_path)
    redis7.kill()
    with restored(tmp_path) as url, replica_on(url) as replica:
        api = replica.client()
        assert [row["id"] for row in api.list_pipelines()["pipelineIdList"]] == [pipeline]
        assert api.report_task_progress(taskId=held["taskId"])["canceled"] is False
        with pytest.raises(api.exceptions.TaskNotFoundException):
            api.report_task_progress(taskId=later["taskId"])
        again = poll(api, group)
        assert again["attemptId"] == later["attemptId"]
        finish(api, again)
        finish(api, held)
        assert set(statuses(api, pipeline).values()) == {"FINISHED"}
        api.close()
        with redis.Redis.from_url(url) as client:
            check_invariants(read_node(client), int(time.time() * 1000))
