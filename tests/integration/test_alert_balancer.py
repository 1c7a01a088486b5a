"""LoadBalancerErrors in a real Prometheus: which of a real HAProxy's answers it counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from balancer import Balancer, Names, replica_at
from botocore.exceptions import ClientError
from ports import free_ports
from prometheus_server import Prometheus
from servers import Server
from waiting import wait_until

ALERT = "LoadBalancerErrors"
CALLS = 8
ERRORS = 'increase(haproxy_frontend_http_responses_total{proxy="api", code="5xx"}[1m])'


@pytest.fixture
def names():
    """A name server that knows no replica yet."""
    with closing(Names()) as made:
        yield made


@pytest.fixture
def balancer(names):
    """A load balancer of replicas at one port."""
    (port,) = free_ports(1)
    with closing(Balancer(names, port)) as made:
        made.start()
        yield made


@pytest.fixture
def prometheus(tmp_path, balancer):
    """A Prometheus that has seen the load balancer before there were errors."""
    watched = [f"127.0.0.1:{balancer.metrics_port}"]
    with closing(Prometheus(tmp_path, [], balancers=watched, waits=1)) as made:
        made.start()
        wait_until(lambda: made.query(f"{ERRORS} == 0"), 20)
        yield made


def statuses(balancer):
    """Call all at a time; return the statuses of the answers, which are errors."""

    def call(_):
        with closing(balancer.client()) as api, pytest.raises(ClientError) as caught:
            api.list_pipelines()
        return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]

    with ThreadPoolExecutor(CALLS) as pool:
        return list(pool.map(call, range(CALLS)))


def rule(prometheus):
    """Return the alert's rule, with how it is."""
    (found,) = (rule for rule in prometheus.rules() if rule["name"] == ALERT)
    return found


def test_errors_of_the_load_balancer_itself_are_told(balancer, prometheus):
    """Without a replica all calls are answered with 503, and the alert fires."""
    assert set(statuses(balancer)) == {503}
    wait_until(lambda: rule(prometheus)["state"] == "firing", 20)


def test_errors_of_replicas_are_not(names, balancer, prometheus):
    """A replica whose Redis is silent answers with 500; these are counted, but not as its own."""
    with closing(Server("valkey")) as server:
        server.start()
        port = int(balancer.environment["REPLICAS"].rpartition(":")[2])
        with closing(replica_at(1, port, server.url)) as replica:
            replica.start()
            names.become([replica])
            balancer.wait_for(1)
            server.pause()
            assert set(statuses(balancer)) == {500}
            wait_until(lambda: prometheus.query(f"{ERRORS} > {CALLS - 1}"), 20)
            assert prometheus.query(rule(prometheus)["query"]) == []
            server.resume()
