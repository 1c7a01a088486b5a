"""The load balancer's configuration as shipped, in front of three real replicas."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import NamedTuple

import pytest
import yaml
from balancer import CONFIGURATION, Balancer, Names, replica_at
from botocore.exceptions import ClientError
from callers import calling
from gate import PAIRS, Gate
from pipelines import activity, finish, new_group, poll, start
from ports import free_ports
from prometheus_server import SHIPPED
from rawhttp import RawClient
from replicas import CONTENT_TYPE, Pair, ReplicaProcess
from scrape import samples
from servers import Server, installed
from waiting import eventually, wait_until

from coordinator.config import Settings

ERROR = "InternalServiceError"
STATES = "haproxy_server_status"

# Longer than all of HAProxy's times but those for polls.
POLL_WAIT = 11


class Stack(NamedTuple):
    """The load balancer and what is behind it."""

    replicas: list[ReplicaProcess]
    balancer: Balancer
    names: Names

    def waiters(self):
        """How many polls wait, by replica."""
        return [samples(replica)["waiters"] for replica in self.replicas if replica.process]

    def waiting(self, count=1):
        """Wait until so many polls wait."""
        wait_until(lambda: sum(self.waiters()) == count)


@pytest.fixture(scope="module")
def started():
    """A stack that the module shares."""
    server, (port,) = Server("valkey", aof=True), free_ports(1)
    with ExitStack() as stack:
        stack.enter_context(closing(server)).start()
        names = stack.enter_context(closing(Names()))
        made = [replica_at(n, port, server.url, POLL_WAIT=POLL_WAIT) for n in (1, 2, 3)]
        for replica in made:
            stack.enter_context(closing(replica)).start()
        balancer = stack.enter_context(closing(Balancer(names, port)))
        balancer.start()
        yield Stack(made, balancer, names)


@pytest.fixture
def stack(started):
    """That stack, with all its replicas ready."""
    for replica in started.replicas:
        if not replica.process:
            replica.start()
    started.names.become(started.replicas)
    started.balancer.wait_for(3)
    return started


@pytest.fixture
def api(stack):
    """A client of the load balancer that does not repeat calls."""
    with closing(stack.balancer.client()) as client:
        yield client


def test_a_rolling_restart_fails_no_call(stack):
    """Replicas restarted one after the other fail no call of clients that never repeat any."""
    with calling(stack.balancer.client):
        for replica in stack.replicas:
            assert replica.stop() == 0
            stack.balancer.wait_for(2)
            replica.start()
            stack.balancer.wait_for(3)


def test_replicas_that_do_not_listen_yet_fail_no_call(stack):
    """The name has their addresses as soon as their containers start; all of the seven at once."""
    port, url = stack.replicas[0].port, stack.replicas[0].url
    with ExitStack() as coming:
        later = [coming.enter_context(closing(replica_at(n, port, url))) for n in range(4, 11)]
        with calling(stack.balancer.client):
            for _ in range(3):
                stack.names.become([*stack.replicas, *later])
                wait_until(lambda: stack.balancer.metrics(STATES, "state")["DOWN"] == len(later))
                stack.names.become(stack.replicas)
                stack.balancer.wait_for(3)
                wait_until(lambda: stack.balancer.metrics(STATES, "state")["MAINT"] == len(later))


async def test_a_poll_on_a_replica_that_dies_is_not_sent_again(stack, api):
    """Its client is told in the shape of the API's errors; no other replica gets the poll."""
    client = await RawClient.connect(stack.balancer.port)
    group = new_group()
    client.poll(group)  # in one piece: HAProxy could send again only what it has whole
    await eventually(lambda: sum(stack.waiters()) == 1)
    stack.replicas[stack.waiters().index(1)].kill()
    answer = await asyncio.wait_for(client.answer(), POLL_WAIT / 2)
    await client.close()
    message = "The replica ended without an answer. The call may have been carried out."
    assert answer == (502, {"__type": ERROR, "message": message})
    assert sum(stack.waiters()) == 0
    start(api, activity("A", group))
    finish(api, poll(api, group))


def test_an_sdk_sends_a_poll_again_whose_replica_died(stack, api):
    """On a connection that it has used before, whose end is all that HAProxy lets it know."""
    group = new_group()
    with closing(stack.balancer.client(attempts=3)) as patient, ThreadPoolExecutor() as pool:
        for _ in stack.replicas:
            patient.list_pipelines()
        asked = pool.submit(poll, patient, group)
        stack.waiting()
        stack.replicas[stack.waiters().index(1)].kill()
        stack.waiting()
        start(api, activity("A", group))
        finish(api, asked.result())


def test_without_replicas_the_load_balancer_answers(stack, api):
    """The answer is HAProxy's own, in the shape of the API's errors."""
    for replica in stack.replicas:
        replica.kill()
    with pytest.raises(ClientError) as caught:
        api.list_pipelines()
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (ERROR, "No replica is ready.")
    answer = caught.value.response["ResponseMetadata"]
    assert (answer["HTTPStatusCode"], answer["HTTPHeaders"]["content-type"]) == (503, CONTENT_TYPE)


async def test_a_client_that_leaves_gets_no_task(stack, api):
    """Its poll ends at the replica, and the task goes to the next."""
    client = await RawClient.connect(stack.balancer.port)
    group = new_group()
    client.poll(group)
    await eventually(lambda: sum(stack.waiters()) == 1)
    await client.close()
    await eventually(lambda: sum(stack.waiters()) == 0, POLL_WAIT / 2)
    start(api, activity("A", group))
    finish(api, poll(api, group))


def test_a_poll_may_take_longer_than_anything_else(api):
    """It waits for as long as the replica says, and gets the replica's answer."""
    began = time.monotonic()
    assert "taskObject" not in api.poll_for_task(workerGroup=new_group())
    assert time.monotonic() - began > 10


def test_times_fit_those_of_replicas():
    """An answer may take longer than a poll waits; a replica that stops is seen while it drains."""
    text = CONFIGURATION.read_text()
    (longest,) = (x.le for x in Settings.model_fields["poll_wait"].metadata if hasattr(x, "le"))
    for side in ("client", "server"):
        assert int(re.findall(rf"^  timeout {side} (\d+)s$", text, re.MULTILINE)[0]) > longest
    ((between, needed),) = re.findall(r" inter (\d+)ms fall (\d+) ", text)
    assert int(between) * int(needed) * 2 < Settings.model_fields["drain_delay"].default * 1000


def test_the_name_says_who_gets_calls(stack, api):
    """A replica whose address goes gets no calls, until it comes back."""
    stack.names.become(stack.replicas[1:])
    stack.balancer.wait_for(2)
    api.list_pipelines()
    stack.names.become(stack.replicas)
    stack.balancer.wait_for(3)
    api.list_pipelines()


def test_signatures_stay_right(valkey, tmp_path):
    """A signed call arrives as it was sent: with its Host, which is the load balancer's."""
    gate = Gate(valkey, tmp_path)
    with closing(gate.replica) as replica, closing(Names()) as names:
        replica.start()
        names.become([replica])
        with closing(Balancer(names, replica.port)) as balancer:
            balancer.pair = PAIRS["operator"]
            balancer.start()
            balancer.wait_for(1)
            with closing(balancer.client()) as signing:
                signing.list_pipelines()
            wrong = balancer.client_of(Pair(PAIRS["operator"].access_key, "wrong"))
            with closing(wrong), pytest.raises(ClientError, match="InvalidSignatureException"):
                wrong.list_pipelines()


def test_prometheus_asks_where_metrics_are():
    """The shipped job names the port of the shipped configuration."""
    (port,) = re.findall(r"^  presetenv METRICS :(\d+)$", CONFIGURATION.read_text(), re.MULTILINE)
    jobs = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())["scrape_configs"]
    (job,) = (job for job in jobs if job["job_name"] == "haproxy")
    assert job == {"job_name": "haproxy", "static_configs": [{"targets": [f"haproxy:{port}"]}]}


def test_nothing_is_wrong_with_the_configuration():
    """HAProxy reads it without a warning where it finds the name server by itself, too."""
    command = [installed("haproxy", "haproxy"), "-c", "-dW", "-f", str(CONFIGURATION)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
