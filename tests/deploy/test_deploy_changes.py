"""What docs/deploy.md has against calls that fail: restarts, upgrades, more replicas and fewer.

Its commands run as they stand, while clients that repeat nothing call through the load balancer.
"""

from __future__ import annotations

import re

import images
import pytest
from callers import calling
from documents import blocks, page
from pipelines import activity, describe, ids, start, statuses
from stack import Both
from waiting import wait_until

pytestmark = pytest.mark.timeout(1500)

CONSOLE = blocks(page("deploy.md"), "console")
READY = 'haproxy_backend_active_servers{proxy="replicas"}'
SCRAPED = 'sum(up{job="coordinator"})'
# Replicas that clients have got an answer of, all of which came by the load balancer.
CALLED = 'count(sum by (instance) (coordinator_http_requests_total{operation="PollForTask"}) > 0)'
SEEN = 90
WORKED = 90
TASKS = [f"Work{number}" for number in range(8)]


def block(word):
    """Return the commands with a word in them."""
    (found,) = (one for one in CONSOLE if word in one)
    return found


def clients(stack, attempts=1):
    """Return what makes a client, which sends a call that fails so often."""
    keys = (stack.credentials(), stack.runners)
    return lambda: Both(*(stack.client(key, attempts) for key in keys))


@pytest.fixture
def called(stack):
    """Clients call all the time; none of their calls may fail."""
    with calling(clients(stack)):
        yield


def see(stack, replicas):
    """Wait until the load balancer has so many replicas ready and Prometheus scrapes each."""
    wait_until(lambda: stack.ask(READY) == stack.ask(SCRAPED) == replicas, SEEN)


def known(stack):
    """Return what the engine knows of each replica that runs."""
    return [stack.engine.inspect(container) for container in stack.containers("coordinator")]


def started(stack):
    """Return when each replica was started."""
    return {one["State"]["StartedAt"] for one in known(stack)}


@pytest.mark.usefixtures("called")
def test_a_rolling_restart(stack):
    """No call fails, all replicas are started anew, and runners lose no lease meanwhile."""
    client, before = stack.client(), started(stack)
    options = {"command": "sleep 12", "reportProgressTimeout": "10 seconds"}
    pipeline = start(client, *(activity(name, "etl", **options) for name in TASKS))
    stack.run(block("docker restart"))
    assert len(before) == len(started(stack) - before) == 3
    wait_until(lambda: set(statuses(client, pipeline).values()) == {"FINISHED"}, WORKED)
    attempts = describe(client, pipeline, *ids(client, pipeline, "ATTEMPT"))
    assert {one.get("errorId") for one in attempts} == {None}, attempts


@pytest.mark.usefixtures("called")
def test_a_new_version(stack):
    """No call fails: six replicas get calls, three of them of the new version, which stay."""
    before = {one["Image"] for one in known(stack)}
    fetch, grow, shrink = re.split(r"(?m)^(?=old=|docker stop)", block("docker stop"))
    assert fetch == "git pull\ndocker compose build\n"
    images.build_next(stack.engine)
    old = stack.run(f"{grow}echo $old")
    see(stack, 6)
    wait_until(lambda: stack.ask(CALLED) == 6, SEEN)
    stack.run(f"old='{old}'\n{shrink}")
    assert len(known(stack)) == 3
    assert not before & {one["Image"] for one in known(stack)}
    see(stack, 3)


@pytest.mark.usefixtures("called")
def test_more_replicas_and_fewer(stack):
    """No call fails when there are more, nor when there are as many as before again."""
    stack.run(block("--scale runner"))
    assert [len(stack.containers(one)) for one in ("coordinator", "runner")] == [5, 4]
    see(stack, 5)
    stack.run("docker compose up -d")
    assert [len(stack.containers(one)) for one in ("coordinator", "runner")] == [3, 2]
    see(stack, 3)


def processes(stack):
    """Return the numbers of HAProxy's processes, in its container."""
    (container,) = stack.containers("haproxy")
    return set(stack.engine.run("podman", "top", container, "pid").split())


def test_the_load_balancer_is_configured_anew(stack):
    """Another process of it takes the calls, and SDKs see none that fails."""
    with calling(clients(stack, attempts=3)):
        before = processes(stack)
        stack.run(block("USR2"))
        wait_until(lambda: processes(stack) - before)
        stack.client().list_pipelines()
