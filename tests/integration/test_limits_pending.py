"""COORDINATOR_MAX_PENDING at the API: an error that SDKs do not repeat, and a count of refusals."""

from __future__ import annotations

from contextlib import closing

import pipelines
import pytest
from botocore.exceptions import ClientError
from replicas import ReplicaProcess

REFUSED = 'coordinator_limited_total{limit="pending"} '


@pytest.fixture
def replica(new_server):
    """A replica that keeps two unfinished instances of an account in a shard."""
    made = ReplicaProcess(new_server().url, POLL_WAIT=1, MAX_PENDING=2)
    with closing(made):
        made.start()
        yield made


def refusals(replica):
    """Return how often the bound was met."""
    page = replica.get("/metrics").body.decode()
    (line,) = (line for line in page.splitlines() if line.startswith(REFUSED))
    return float(line.removeprefix(REFUSED))


def test_activations_and_reruns_beyond_the_bound(replica):
    """Both are refused, and not sent again by a client that repeats; with room they pass."""
    api, group = replica.client(attempts=3), pipelines.new_group()
    several = pipelines.item("Default", maxActiveInstances="5")
    pipeline = pipelines.start(api, several, *(pipelines.activity(name, group) for name in "AB"))
    with pytest.raises(ClientError) as refused:
        api.activate_pipeline(pipelineId=pipeline)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    assert "COORDINATOR_MAX_PENDING" in refused.value.response["Error"]["Message"]
    assert refusals(replica) == 1
    first = pipelines.ids(api, pipeline)
    for _ in first:
        pipelines.finish(api, pipelines.poll(api, group))
    api.activate_pipeline(pipelineId=pipeline)
    with pytest.raises(ClientError, match="COORDINATOR_MAX_PENDING"):
        api.set_status(pipelineId=pipeline, objectIds=first, status="RERUN")
    assert refusals(replica) == 2
    found = pipelines.instances(api, pipeline)
    assert [found[name]["@status"] for name in first] == ["FINISHED"] * 2
    api.close()
