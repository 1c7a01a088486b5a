"""GET /metrics as a page: names, labels, and what it says while Redis is away."""

from __future__ import annotations

import re
import time
from contextlib import closing

from pipelines import activity, finish, new_group, poll, start
from scrape import counted, families, samples
from waiting import wait_until


def unnamed(replica):
    """Return the names of the series that are of no worker group, and no refusal."""
    found = families(replica).values()
    every = [(s.name, tuple(s.labels.items())) for family in found for s in family.samples]
    return {
        (name, labels)
        for name, labels in every
        if not dict(labels).keys() & {"worker_group", "code"}
    }


def test_no_label_grows_with_work(api, replica):
    """The series after many tasks, pipelines and groups are those from before, but for groups."""
    before, group = unnamed(replica), new_group()
    for number in range(5):
        start(api, activity(f"Work{number}", f"{group}{number}"))
        finish(api, poll(api, f"{group}{number}", hostname=f"host {number}"))
    assert unnamed(replica) == before


def test_names_and_help(replica):
    """Names, units, types and help follow Prometheus' conventions; the required ones are there."""
    found = families(replica)
    for name, family in found.items():
        assert re.fullmatch(r"coordinator(_[a-z]+)+", name)
        assert family.documentation
        assert not re.search(r"_(ms|milliseconds|total|count|sum|bucket|counter|gauge)$", name)
        if family.type == "counter":
            assert {sample.name for sample in family.samples} <= {f"{name}_total"}
        else:
            assert family.type in {"gauge", "histogram"}
        assert family.type != "histogram" or name.endswith(("_seconds", "_ratio", "_calls"))
    wanted = "granted acknowledged renewed finished failed canceled lost refused instances waiters"
    wanted += " alarms alarms_pending"
    assert {f"coordinator_{name}" for name in wanted.split()} <= found.keys()


def test_every_label_is_there_from_the_start(new_server, new_replica):
    """Causes, verdicts and states stand at 0 before anything happens: no first step is missed."""
    replica = new_replica(new_server().url)
    found = samples(replica)
    for cause in ("unacknowledged", "silent", "attempt_timeout"):
        assert found[f"lost{{{cause}}}"] == 0
    for verdict in ("repeat", "superseded", "canceled", "deleted", "unknown", "invalid"):
        assert found[f"refused{{{verdict}}}"] == 0
    for result in ("delivered", "failed", "logged", "dropped"):
        assert found[f"alarms{{{result}}}"] == 0
    for state in ("blocked", "ready", "leased", "delayed", "terminal"):
        assert found[f"instances{{{state}}}"] == 0


def test_while_redis_is_away(new_server, new_replica):
    """The replica's own counters are answered, long before its calls give up on Redis."""
    server = new_server(aof=True)
    replica = new_replica(server.url, REDIS_TIMEOUT=30)
    assert samples(replica)["redis_up"] == 1
    for leave in (server.pause, server.kill):
        leave()
        began = time.monotonic()
        found = samples(replica)
        assert time.monotonic() - began < 8
        assert (found["redis_up"], found["granted"]) == (0, 0)
        assert not any(name.startswith("instances") for name in found)
    server.start()
    wait_until(lambda: samples(replica)["redis_up"] == 1)
    assert samples(replica)["redis_reconnects"] >= 1


def test_an_outage_and_its_grace(new_server, new_replica):
    """A gap in due work counts once, and each lease that gets grace counts once."""
    server = new_server(aof=True)
    outage = {"OUTAGE_THRESHOLD": 2, "OUTAGE_GRACE": 60}
    # The call that finds the gap is one that waited through it, and only who is told counts it.
    replica = new_replica(server.url, **outage, ACK_TIMEOUT=4, REDIS_TIMEOUT=30)
    group = new_group()
    with closing(replica.client()) as api:
        start(api, *(activity(f"Work{n}", group) for n in range(3)))
        for _ in range(3):
            poll(api, group)
        server.pause()
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 5)
        server.resume()
        wait_until(lambda: counted(replica)["graced"] == 3)
        found = counted(replica)
    assert (found["outages"], found["lost{unacknowledged}"]) == (1, 0)
