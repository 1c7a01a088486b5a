"""Faults that a mix thrown at random may miss, each alone."""

from __future__ import annotations

import json
import shutil
import time

import pytest
from chaos import Runners, check_data, check_told, new_chance, terminal
from history import Fault
from pipelines import activity, start, statuses
from waiting import wait_until

LEASE = 3
SHORT = {"ACK_TIMEOUT": LEASE, "PROGRESS_TIMEOUT": LEASE, "POLL_WAIT": 1}
OUTAGE = {"OUTAGE_THRESHOLD": 2, "OUTAGE_GRACE": 30}  # so long that no busy machine uses it up
TASKS = 8
EVICTS = "maxmemory-policy is allkeys-lru"


@pytest.fixture
def make_runners(tmp_path):
    """Make a set of runners for replicas; they are killed after the test."""
    made = []

    def make(replicas, **options):
        made.append(Runners(tmp_path, [r.port for r in replicas], new_chance(), **options))
        return made[-1]

    yield make
    for runners in made:
        runners.close()


def hold_tasks(api, runners):
    """Start a pipeline, all of whose tasks a runner holds and reports; return its id."""
    pipeline = start(api, *(activity(f"Work{n}", runners.group) for n in range(TASKS)))
    runners.start()
    wait_until(lambda: len({call.handle for call in accepted(runners)}) == TASKS, 30)
    return pipeline


def accepted(runners, after=0.0):
    """The reports that were accepted, and made after a time."""
    found = runners.calls("report")
    return [call for call in found if call.verdict == "accepted" and call.invoked > after]


def reason(replica):
    """Why /readyz says that the replica cannot work; empty if it can."""
    return json.loads(replica.get("/readyz").body).get("reason", "")


def test_all_replicas_are_down_for_longer_than_a_lease(
    new_server, new_replica, make_runners, tmp_path
):
    """Nobody is robbed: each task was handed out once, and its holder's result stands."""
    server = new_server(aof=True)
    replicas = [new_replica(server.url, **SHORT, **OUTAGE) for _ in range(2)]
    api = replicas[0].client()
    runners = make_runners(replicas, threads=TASKS, hold=str(tmp_path / "done"))
    pipeline = hold_tasks(api, runners)
    for replica in replicas:
        replica.kill()
    began = time.monotonic()
    down = max(call.invoked for call in runners.calls("report"))
    wait_until(lambda: runners.calls("report")[-1].invoked > down + 2 * LEASE, 60)
    outage = Fault(kind="outage", target="replicas", began=began, ended=time.monotonic())
    for replica in replicas:
        replica.start()
    up = max(call.invoked for call in runners.calls("report"))
    wait_until(lambda: len({call.handle for call in accepted(runners, up)}) == TASKS, 30)
    (tmp_path / "done").touch()
    wait_until(lambda: terminal(server) == TASKS, 30)
    runners.close()
    assert set(statuses(api, pipeline).values()) == {"FINISHED"}
    told = check_told(runners.calls(), SHORT | OUTAGE, [outage])
    assert (told.instances, told.hand_outs) == (TASKS, TASKS)
    check_data(server)
    api.close()


def test_an_eviction_policy_that_is_set_while_replicas_run(new_server, new_replica):
    """They find that out within some seconds, without a new connection, and say so."""
    server = new_server(aof=True)
    replicas = [new_replica(server.url) for _ in range(2)]
    with server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        wait_until(lambda: all(EVICTS in reason(replica) for replica in replicas), 40)
        client.config_set("maxmemory-policy", "noeviction")
    wait_until(lambda: not any(reason(replica) for replica in replicas), 40)


def test_a_server_that_comes_back_without_its_data(new_server, new_replica, make_runners, tmp_path):
    """What was is not found, nothing crashes, and new work goes on with the same processes."""
    server = new_server(aof=True)
    replicas = [new_replica(server.url, **SHORT) for _ in range(2)]
    pids = [replica.pid for replica in replicas]
    api = replicas[0].client()
    runners = make_runners(replicas, threads=TASKS, hold=str(tmp_path / "done"))
    old = hold_tasks(api, runners)
    server.kill()
    shutil.rmtree(server.directory / "appendonlydir")
    server.start()
    wait_until(lambda: all(replica.ready() for replica in replicas), 30)
    with pytest.raises(api.exceptions.PipelineNotFoundException):
        api.describe_pipelines(pipelineIds=[old])
    (tmp_path / "done").touch()
    new = start(api, *(activity(f"New{n}", runners.group) for n in range(TASKS)))
    wait_until(lambda: terminal(server) == TASKS, 60)
    runners.close()
    assert set(statuses(api, new).values()) == {"FINISHED"}
    told = {c.verdict for c in runners.calls("finish") if c.pipeline == old and c.returned}
    assert told == {"PipelineNotFoundException"}
    assert [replica.pid for replica in replicas] == pids
    assert all(replica.process.poll() is None for replica in replicas)
    assert "Traceback" not in "".join(replica.log for replica in replicas)
    check_data(server)
    api.close()
