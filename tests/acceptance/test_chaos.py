"""Runners, replicas and Valkey are killed while tasks run: promises 1, 2, 3, 5 and 6."""

from __future__ import annotations

import signal

import pytest
from chaos import (
    Runners,
    check_end,
    check_told,
    new_chance,
    start_pipelines,
    terminal,
    wait_for_end,
)
from pipelines import activity, describe, ids, start
from waiting import wait_until

SHORT = {"ACK_TIMEOUT": 1, "PROGRESS_TIMEOUT": 1, "POLL_WAIT": 1, "MAX_LOST_LEASES": 1000}
DICE = {"silent": 0.02, "silence": 1.5}


@pytest.fixture
def chance():
    """Dice whose seed is shown on failure."""
    return new_chance()


@pytest.fixture
def make_runners(tmp_path, chance):
    """Make a set of runners for replicas; they are killed after the test."""
    made = []

    def make(replicas, **options):
        made.append(Runners(tmp_path, [r.port for r in replicas], chance, **options))
        return made[-1]

    yield make
    for runners in made:
        runners.close()


def kill_runner(chance, runners):
    """Kill a runner, most likely with tasks in hand, and start another."""
    runners.kill(chance.choice(runners.running))
    runners.start()


def kill_replicas(chance, replicas):
    """Kill one or two of three replicas, and start them again."""
    victims = chance.sample(replicas, chance.choice([1, 1, 2]))
    for victim in victims:
        victim.kill()
    for victim in victims:
        victim.start(wait=False)


def refused(calls):
    """Those that were refused."""
    return [call for call in calls if call.outcome == "refused"]


def test_a_thousand_tasks_while_runners_and_replicas_die(
    new_server, new_replica, make_runners, chance
):
    """Every instance ends FINISHED with one result, whoever is killed; nothing is left behind."""
    server = new_server(aof=True)
    replicas = [new_replica(server.url, **SHORT) for _ in range(3)]
    runners = make_runners(replicas, **DICE)
    api = replicas[0].client()
    pipelines = start_pipelines(api, runners.group, 1000, 125)
    for _ in range(3):
        runners.start()
    for progress in sorted(chance.sample(range(20, 950), 10)):
        wait_until(lambda progress=progress: terminal(server) >= progress, 60)
        if chance.random() < 0.6:
            kill_runner(chance, runners)
        else:
            kill_replicas(chance, replicas)
    wait_for_end(server, 1000)
    check_end(server, api, pipelines, 1000)
    told = check_told(runners.calls(), SHORT)
    assert told.instances == 1000
    assert told.hand_outs > 1300, "no lease was lost"
    api.close()


def test_valkey_is_killed_while_tasks_run(new_server, new_replica, make_runners, chance):
    """With appendfsync always a kill -9 of Valkey loses nothing that was answered."""
    server = new_server(aof=True, argv=["--appendfsync", "always"])
    replicas = [new_replica(server.url, DURABILITY="always", **SHORT) for _ in range(2)]
    runners = make_runners(replicas, **DICE)
    api = replicas[0].client()
    pipelines = start_pipelines(api, runners.group, 300, 75)
    for _ in range(2):
        runners.start()
    for progress in sorted(chance.sample(range(20, 280), 3)):
        wait_until(lambda progress=progress: terminal(server) >= progress, 60)
        server.kill()
        server.start()
    wait_for_end(server, 300)
    check_end(server, api, pipelines, 300)
    assert check_told(runners.calls(), SHORT).instances == 300
    api.close()


def test_a_runner_that_was_frozen_past_its_lease(new_server, new_replica, make_runners, tmp_path):
    """Its reports are told LEASE_LOST, its result is refused, and the new holder's stands."""
    server = new_server(aof=True)
    replicas = [new_replica(server.url, **SHORT | {"PROGRESS_TIMEOUT": 3}) for _ in range(2)]
    runners = make_runners(replicas, threads=1)
    api = replicas[0].client()
    pipeline = start(api, activity("Work", runners.group))
    frozen = runners.start(result="FAILED", hold=str(tmp_path / "frozen"))
    wait_until(lambda: any(call.returned for call in runners.calls("report")), 20)
    frozen.send_signal(signal.SIGSTOP)
    other = runners.start(hold=str(tmp_path / "other"))
    wait_until(lambda: runners.calls("report", of=other), 20)
    (tmp_path / "frozen").touch()
    frozen.send_signal(signal.SIGCONT)
    (result,) = wait_until(lambda: refused(runners.calls("finish", "fail")), 20)
    runners.kill(frozen)
    (tmp_path / "other").touch()
    wait_for_end(server, 1)

    assert result.client.startswith(frozen.name)
    assert result.verdict == "TaskNotFoundException"
    told = [call.verdict for call in runners.calls("report", of=frozen) if call.returned]
    assert told == sorted(told)  # once told, it stays so
    assert set(told) == {"accepted", "superseded"}
    boto = replicas[1].client()
    assert boto.report_task_progress(taskId=result.handle)["canceled"]
    boto.close()
    (fields,) = describe(api, pipeline, *ids(api, pipeline))
    assert (fields["@status"], fields["@attemptCount"]) == ("FINISHED", "2")
    check_end(server, api, [pipeline], 1)
    api.close()
