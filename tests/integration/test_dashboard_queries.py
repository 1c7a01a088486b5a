"""Every query of every dashboard returns points from a real run, in a real Prometheus.

So does every row of the table in docs/metrics.md.
"""

from __future__ import annotations

import math
import re
import time

import pytest
from dashboard_queries import QUERIES, filled
from eventful import Eventful
from metrics_table import ROWS
from prometheus_server import Prometheus
from waiting import wait_until

STEP = 0.5
METRIC = re.compile(r"\bcoordinator_\w+|\bup\b")
# What stays at nought in a run that is well: its points are there, and nothing is counted.
STILL = {
    "Leases: Age of the oldest due timer A",  # none at the moment of a scrape
    "Leases: Late by A",  # likewise
    "Leases: Outages and clock B",
    "Pipelines and schedules: Fan-outs under way A",  # over before a scrape
    "Pipelines and schedules: Timers B",  # those that are due, likewise
    "Redis and HTTP: Credentials A",  # an open service has none
}
# Rows of the table whose numbers stay at nought in it, and why.
QUIET = {
    "coordinator_clock_steps_back_total": "the clock is that of the machine",
    "coordinator_credentials": "the service is an open one",
    "coordinator_credentials_broken": "likewise",
    "coordinator_credentials_loads_total": "likewise",
}
# What is due is applied before most scrapes see it (see test_metric_gauges.py).
BRIEF = {
    "coordinator_timers_due",
    "coordinator_timers_lag_seconds",
    "coordinator_cursors_pending",
}
ADDED = {"__name__", "job", "instance", "le"}  # by Prometheus, or by the format


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


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_row_of_the_table(watched, row):
    """What it says is there has these labels, and more than nought somewhere in the run."""
    series = watched[0].query(f"max_over_time({row.counts}[5m])")
    found = set().union(*(each.labels.keys() for each in series))  # without one that is empty
    assert found - ADDED == set(row.labels)
    largest = max(each.points[0][1] for each in series)
    assert (largest == 0) == (row.name in QUIET) or row.name in BRIEF


def test_the_table_is_whole(known):
    """A replica shows nothing that is not in it."""
    shown = {name for name in known if name.startswith("coordinator_")}
    assert shown == set().union(*(row.stored for row in ROWS))


def test_the_rules_load(watched, known):
    """All rules of alerts are evaluated without an error, and ask for metrics that are there."""
    rules = watched[0].rules()
    assert set(METRIC.findall(" ".join(rule["query"] for rule in rules))) <= known
    assert len(rules) > 20
    assert {(rule["health"], rule.get("lastError", "")) for rule in rules} == {("ok", "")}
