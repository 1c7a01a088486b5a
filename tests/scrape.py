"""What GET /metrics says, as plain data."""

from __future__ import annotations

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "coordinator_"
# What moves by itself, or as often as replicas look for work.
RESTLESS = (
    *("redis_", "timers", "wakes", "expired_events", "hand_out_lag", "instances", "waiters"),
    *("http_", "script_", "poll", "ready_", "group_", "lease_slack", "leases_swept", "build_info"),
    *("cancel_told", "schedule_lag", "cursors_pending", "empty_"),
)


def families(replica):
    """Parse what a replica exposes, by the metric's name; on its admin port if it has one."""
    ask = replica.admin if "ADMIN_PORT" in replica.settings else replica.get
    answer = ask("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return parsed(answer.body)


def parsed(page):
    """Parse a page, by the metric's name."""
    found = list(text_string_to_metric_families(page.decode()))
    assert len({family.name for family in found}) == len(found)
    return {family.name: family for family in found}


def samples(replica):
    """Return every value by ``name`` or ``name{label}``, without the prefix."""
    return values(families(replica))


def values(found):
    """Return the values of families in the same way."""
    return {_name(sample): sample.value for each in found.values() for sample in each.samples}


def counted(*replicas):
    """Return what replicas have counted of tasks, added up."""
    total = Counter()
    for replica in replicas:
        total.update(
            {k: v for k, v in samples(replica).items() if not k.startswith(RESTLESS) and v}
        )
    return total


def gauges(replica):
    """Return the number of instances by state, and of timers."""
    found = samples(replica)
    return Counter(
        {
            name.removeprefix("instances{").rstrip("}"): value
            for name, value in found.items()
            if name.startswith(("instances", "timers")) and "applied" not in name
        }
    )


def moved(before, after):
    """Return what has changed from one scrape to the other."""
    changes = {
        name: after.get(name, 0) - before.get(name, 0) for name in before.keys() | after.keys()
    }
    return {name: change for name, change in changes.items() if change}


def _name(sample):
    labels = ",".join(sample.labels.values())
    name = sample.name.removeprefix(PREFIX).removesuffix("_total")
    return f"{name}{{{labels}}}" if labels else name
