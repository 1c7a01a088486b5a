"""The profile `cluster` in containers, which run until the end from here on."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.timeout(1500)


def test_cluster(stack):
    """The profile makes a Redis Cluster, and the sample runs on it."""
    stack.run("docker compose --profile cluster up -d")
    endpoint = "ENDPOINT=http://coordinator-cluster:8080"
    shown = stack.run(f"docker compose run --rm --env {endpoint} sample")
    assert shown.count("FINISHED") == 3, shown
