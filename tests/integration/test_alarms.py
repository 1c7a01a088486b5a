"""Alarms, from the end of a task to their receiver, whatever becomes of either or of a replica."""

from __future__ import annotations

import json
import time
from contextlib import closing
from datetime import datetime

import pytest
from alarming import TOPIC, Receiver, alarm, alarming, begin_one
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from pipelines import finish, ids, new_group, poll, start, values
from replicas import run_command
from scrape import samples
from waiting import wait_until

from coordinator.store import keys

SECRET = "correct horse"
TIMERS = keys.key("timers", 0)
FAILURE = {"errorId": "Disk", "errorMessage": "no space left on /data"}


@pytest.fixture
def receiver():
    """A receiver of the test's own."""
    made = Receiver()
    yield made
    made.waiting.set()
    made.stop()


@pytest.fixture
def server(new_server):
    """A server of the test's own, with its data on disk."""
    return new_server(aof=True, argv=["--appendfsync", "always"])


@pytest.fixture
def replica(server, receiver, new_replica):
    """A replica that posts to the receiver."""
    return new_replica(server.url, ALARM_URL=receiver.url, POLL_WAIT=2)


@pytest.fixture
def api(replica):
    """A client of the replica."""
    with closing(replica.client()) as client:
        yield client


def end(api, group, status="FAILED"):
    """Take a task and report how it ended."""
    finish(api, poll(api, group), status, **(FAILURE if status == "FAILED" else {}))


def hang(api, receiver):
    """Let a delivery begin that the receiver does not answer."""
    receiver.seconds = 60
    _, group = begin_one(api)
    end(api, group)
    wait_until(lambda: receiver.events)


def pending(replica):
    """How many alarms wait to be delivered."""
    return samples(replica)["alarms_pending"]


def described(api, pipeline):
    """The fields of a pipeline."""
    [found] = api.describe_pipelines(pipelineIds=[pipeline])["pipelineDescriptionList"]
    return values(found)


def test_what_is_posted(api, replica, receiver):
    """The event says what has become of what, with the alarm's texts evaluated for it."""
    pipeline, group = begin_one(
        api,
        subject="#{node.name} failed",
        message="Began #{node.@scheduledStartTime}: #{node.errorMessage} (#{node.@status})",
        role="the role",
    )
    [name] = ids(api, pipeline)
    end(api, group)
    wait_until(lambda: receiver.events)
    [event] = receiver.events
    body = json.dumps(event).encode()
    assert from_http_event(HTTPMessage(receiver.headers[0], body)).get_id() == event["id"]
    start = name.partition("_")[2]
    assert event["specversion"] == "1.0"
    assert event["type"] == "coordinator.instance.failed"
    assert event["source"] == f"/pipelines/{pipeline}/instances/{name}"
    assert event["subject"] == name
    assert event["id"].startswith(f"{pipeline}-1-")
    assert abs(time.time() - datetime.fromisoformat(event["time"]).timestamp()) < 60
    expected = {
        "subject": "Work failed",
        "message": f"Began {start}: {FAILURE['errorMessage']} (FAILED)",
        "topicArn": TOPIC,
        "role": "the role",
        "event": "fail",
        "pipelineId": pipeline,
        "instanceId": name,
        "componentId": "Work",
        "status": "FAILED",
        **FAILURE,
        "attempt": 1,
        "scheduledStartTime": start,
        "scheduledEndTime": start,
    }
    assert event["data"].pop("pipelineName").startswith("pipeline ")
    assert event["data"] == expected
    assert receiver.headers[0]["content-type"] == "application/cloudevents+json"
    wait_until(lambda: pending(replica) == 0)
    assert samples(replica)["alarms{delivered}"] == 1


def test_a_topic_that_is_a_url(api, receiver):
    """It is posted there, and nowhere else."""
    other = Receiver()
    try:
        _, group = begin_one(api, topicArn=other.url)
        end(api, group, "FINISHED")
        wait_until(lambda: other.events)
        assert other.events[0]["type"] == "coordinator.instance.succeeded"
        assert other.events[0]["data"]["topicArn"] == other.url
        assert receiver.events == []
    finally:
        other.stop()


def test_a_text_without_a_value(api, receiver):
    """It is told as it was written, with the problem: a slip of the pen loses no alarm."""
    _, group = begin_one(api, message="see #{node.nowhere}", subject="still there")
    end(api, group)
    wait_until(lambda: receiver.events)
    data = receiver.events[0]["data"]
    assert (data["message"], data["subject"]) == ("see #{node.nowhere}", "still there")
    assert "'message' of object 'Bad'" in data["problem"]


def test_secrets_are_masked(api, replica, receiver):
    """What depends on a secret is told as the mask, the rest as it is."""
    group = new_group()
    bad = alarm("Bad", subject="#{node.myOwn}", message="pin #{node.*myPin}")
    work = alarming(group, **{"*myPin": SECRET, "myOwn": "mine"})
    start(api, work, bad, alarm("Good"))
    end(api, group)
    wait_until(lambda: receiver.events)
    data = receiver.events[0]["data"]
    assert (data["subject"], data["message"]) == ("mine", "*****")
    assert SECRET not in json.dumps(receiver.events) + replica.log


def test_nobody_to_tell(server, new_replica):
    """Without a receiver the log is told, without secrets, and the alarm is done with."""
    replica = new_replica(server.url, POLL_WAIT=2)
    with closing(replica.client()) as api:
        group = new_group()
        bad = alarm("Bad", subject="it broke", message="#{node.*myPin}")
        start(api, alarming(group, **{"*myPin": SECRET}), bad, alarm("Good"))
        end(api, group)
    wait_until(lambda: samples(replica)["alarms{logged}"] == 1)
    wait_until(lambda: pending(replica) == 0)
    assert "it broke" in replica.log
    assert SECRET not in replica.log


def test_a_receiver_that_is_down(server, api, replica, receiver):
    """Meanwhile pipeline, metrics, log and check say that an alarm waits; later it arrives."""
    receiver.stop()
    pipeline, group = begin_one(api)
    assert not {"@pendingAlarms", "@alarmError"} & described(api, pipeline).keys()
    end(api, group)
    wait_until(lambda: "@alarmError" in described(api, pipeline))
    assert described(api, pipeline)["@pendingAlarms"] == "1"
    assert f"127.0.0.1:{receiver.port} cannot" in described(api, pipeline)["@alarmError"]
    assert pending(replica) == 1
    checked = run_command("check", REDIS_URL=server.url)
    assert checked.returncode == 0
    assert "1 alarm(s)" in checked.stdout
    receiver.restart()
    wait_until(lambda: receiver.events, 20)
    wait_until(lambda: pending(replica) == 0)
    assert not {"@pendingAlarms", "@alarmError"} & described(api, pipeline).keys()
    assert replica.log.count("is not delivered yet") == 1
    assert "hunter2" not in replica.log


@pytest.mark.parametrize("status", [500, 404, 307])
def test_a_receiver_that_refuses(api, replica, receiver, status):
    """It is asked again, with the same id, until it takes the alarm; redirects are not followed."""
    receiver.answers = [status, status]
    _, group = begin_one(api)
    end(api, group)
    wait_until(lambda: len(receiver.events) == 3, 20)
    wait_until(lambda: pending(replica) == 0)
    assert len(set(receiver.ids)) == 1
    found = samples(replica)
    assert (found["alarms{failed}"], found["alarms{delivered}"]) == (2, 1)


def test_two_replicas(server, api, replica, receiver, new_replica):
    """Both run due work, and each alarm is posted once."""
    other = new_replica(server.url, ALARM_URL=receiver.url)
    group = new_group()
    parts = [alarming(group, f"Work{n}") for n in range(30)]
    start(api, *parts, alarm("Bad"), alarm("Good"))
    for _ in parts:
        end(api, group)
    wait_until(lambda: pending(other) == 0, 30)
    assert len(receiver.ids) == len(set(receiver.ids)) == 30
    done = samples(replica)["alarms{delivered}"], samples(other)["alarms{delivered}"]
    assert sum(done) == 30


def test_a_replica_that_is_killed(server, api, replica, receiver, new_replica):
    """What it had taken and not delivered is delivered by another, once its time is over."""
    hang(api, receiver)
    replica.kill()
    receiver.seconds = 0
    with server.client() as client:  # rather than wait for half a minute
        [timer] = [t for t in client.zrange(TIMERS, 0, -1) if t.startswith(b"alarm:")]
        taken = client.zscore(TIMERS, timer) / 1000 - time.time()
        assert 25 < taken <= 30
        client.zadd(TIMERS, {timer: 0})
    other = new_replica(server.url, ALARM_URL=receiver.url)
    wait_until(lambda: pending(other) == 0)
    assert len(receiver.events) == 2
    assert len(set(receiver.ids)) == 1


def test_a_replica_that_stops(api, replica, receiver):
    """It does not wait for a receiver, and says nothing wrong."""
    hang(api, receiver)
    assert replica.stop() == 0
    assert "Traceback" not in replica.log


def test_a_restart_of_redis(server, api, replica, receiver):
    """What waits is kept, and arrives."""
    receiver.answers = [503]
    _, group = begin_one(api)
    end(api, group)
    wait_until(lambda: pending(replica) == 1)
    server.kill()
    server.start()
    wait_until(lambda: len(receiver.events) >= 2, 60)
    wait_until(lambda: pending(replica) == 0)
    assert len(set(receiver.ids)) == 1


def test_a_deleted_pipeline(api, replica, receiver):
    """Its alarms are dropped: nobody has a use for them."""
    receiver.answers = [503]
    pipeline, group = begin_one(api)
    end(api, group)
    wait_until(lambda: "@alarmError" in described(api, pipeline))
    api.delete_pipeline(pipelineId=pipeline)
    wait_until(lambda: pending(replica) == 0)
    assert len(receiver.events) == 1


def test_alarms_that_are_too_old(server, api, replica, receiver):
    """What no receiver has taken for as long as history is kept is given up, as an error."""
    receiver.stop()
    _, group = begin_one(api)
    end(api, group)
    with server.client() as client:
        [key] = wait_until(lambda: client.keys("*:alarm:*"))
        client.hincrby(key, "raised_ms", -31 * 86_400_000)
    wait_until(lambda: pending(replica) == 0, 40)
    assert samples(replica)["alarms{dropped}"] == 1
    assert "is given up after 31.0 days" in replica.log
    receiver.restart()


@pytest.mark.measure
def test_a_slow_receiver_holds_up_nothing_else(api, replica, receiver):
    """While sixteen deliveries hang and hundreds wait, tasks are handed out and leases kept."""
    receiver.seconds = 60
    group, quick = new_group(), new_group()
    parts = [alarming(group, f"Work{n}") for n in range(200)]
    start(api, *parts, alarm("Bad"), alarm("Good"))
    for _ in parts:
        end(api, group)
    wait_until(lambda: len(receiver.events) >= 16)
    start(api, alarming(quick, "Quick"), alarm("Bad"), alarm("Good"))
    began = time.monotonic()
    finish(api, poll(api, quick))
    assert time.monotonic() - began < 1
    assert pending(replica) > 100
    assert len(receiver.events) <= 16
