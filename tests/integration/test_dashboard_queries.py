"""Every query of every dashboard returns points from a real run, in a real Prometheus."""

from __future__ import annotations

import math
import re
import time

import pytest
from dashboard_queries import QUERIES, filled
from eventful import Eventful
from prometheus_server import Prometheus
from waiting import wait_until

STEP = 0.5
METRIC = re.compile(r"\bcoordinator_\w+|\bup\b")
# What stays at nought in a run that is well: its points are there, and nothing is counted.
STILL = {
    "Leases: Age of the oldest due timer A",  # none at the moment of a scrape
    "Leases: Late by A",  # likewise
    "Leases: Hand-outs undone or repeated A",  # given back: takes a client that leaves in time
    "Leases: Outages and clock B",
    "Pipelines and schedules: Timers applied B",  # those that could not be
    "Pipelines and schedules: Fan-outs under way A",  # over before a scrape
    "Pipelines and schedules: Timers B",  # those that are due, likewise
    "Worker groups: Wake-ups B",  # the empty ones: takes polls that race for a task
    "Redis and HTTP: Credentials A",  # an open service has none
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A Prometheus that has watched an eventful run, and when that began and ended."""
    directory = tmp_path_factory.mktemp("watched")
    with Eventful(directory) as run:
        prometheus = Prometheus(directory, run.targets)
        try:
            prometheus.start()
            wait_until(lambda: prometheus.query("sum(up) == 2"), 20)
            began = time.time()
            run.begin()
            run.everything()
            yield prometheus, began
        finally:
            prometheus.close()


@pytest.fixture(scope="module")
def known(watched):
    """The names of all metrics that it has."""
    return set(watched[0].get("api/v1/label/__name__/values")["data"])


def values(watched, expr):
    """Return all numbers that a query has had since the run began."""
    prometheus, began = watched
    found = prometheus.query_range(filled(expr), began, time.time(), STEP)
    return [value for series in found for _, value in series.points]


@pytest.mark.parametrize(("name", "expr"), QUERIES, ids=[name for name, _ in QUERIES])
def test_a_query_has_points(watched, known, name, expr):
    """There are numbers, and not only noughts but where nothing of the kind happens."""
    assert set(METRIC.findall(expr)) <= known
    found = values(watched, expr)
    assert found
    assert all(map(math.isfinite, found))
    if name not in STILL:
        assert max(found) > 0


def test_the_rules_load(watched, known):
    """All rules of alerts are evaluated without an error, and ask for metrics that are there."""
    rules = watched[0].rules()
    assert set(METRIC.findall(" ".join(rule["query"] for rule in rules))) <= known
    assert len(rules) > 20
    assert {(rule["health"], rule.get("lastError", "")) for rule in rules} == {("ok", "")}
