"""Schedules while replicas and servers die: the sequence of intervals stays what it must be."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hands import Hands
from pipelines import Ref, activity, create, instances, item, new_group, put
from replicas import ReplicaProcess
from waiting import wait_until

SHORT = {"ACK_TIMEOUT": 1, "POLL_WAIT": 1, "OUTAGE_GRACE": 1, "OUTAGE_THRESHOLD": 3}
OUTAGE = 20  # seconds, with as many intervals in them
CLOCK = item("Clock", type="Schedule", period="1 second", startAt="FIRST_ACTIVATION_DATE_TIME")
DEFAULT = item("Default", scheduleType="cron", schedule=Ref("Clock"), maxActiveInstances="1")

pytestmark = pytest.mark.timeout(300)


def again(process, after=0.0):
    """Kill a replica, or stop a server, and start it again after so many seconds."""
    (process.kill if isinstance(process, ReplicaProcess) else process.stop)()
    until = time.monotonic() + after
    wait_until(lambda: time.monotonic() > until, after + 10)
    process.start()


def test_each_second_through_kills_a_restart_and_an_outage(new_server, new_replica):
    """None is missing, none is there twice, and each was run once, in order."""
    server, group = new_server(aof=True), new_group()
    first, second = (new_replica(server.url, **SHORT) for _ in range(2))
    api = first.client(attempts=5)
    pipeline = create(api)
    put(api, pipeline, DEFAULT, CLOCK, activity("Tick", group))
    api.activate_pipeline(pipelineId=pipeline)
    disturbances = [(second,), (server,), (first,), (server, OUTAGE), (second,)]
    with Hands([first, second], group, lambda _: ("FINISHED", "")) as hands:
        for disturbance in disturbances:
            seen = len(hands.done)
            wait_until(lambda seen=seen: len(hands.done) > seen + 2, 60)
            again(*disturbance)
        present = f"@Tick_{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
        wait_until(lambda: hands.done and hands.done[-1] >= present, 60)
        api.deactivate_pipeline(pipelineId=pipeline, cancelActive=False)
    check_sequence(instances(api, pipeline), hands)


def check_sequence(rows, hands):
    """Assert that the seconds follow one another, each with its one result."""
    starts = [datetime.fromisoformat(row["@scheduledStartTime"]) for row in rows.values()]
    assert len(starts) > OUTAGE
    seconds = [starts[0] + timedelta(seconds=k) for k in range(len(starts))]
    assert starts == seconds, "in the order of their making, without a gap"
    ended = [name for name, row in rows.items() if row["@status"] == "FINISHED"]
    assert ended == list(rows)[: len(ended)]
    assert len(ended) >= len(rows) - 1, "the last one may wait"
    assert list(dict.fromkeys(hands.taken))[: len(ended)] == ended, "run in order"
    assert len(set(hands.done)) == len(hands.done), "no result twice"
