"""A pipeline from its making to its end, as any client of AWS Data Pipeline would run it.

Two activities side by side, and one that waits for both. From the environment: ENDPOINT, and
credentials as every SDK of AWS takes them. Exits 0 if all have FINISHED.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from typing import Any

import boto3
from botocore.config import Config

WAIT_SECONDS = 120
STEP_SECONDS = 0.5
QUIET_SECONDS = 5
ENDED = {"FINISHED", "FAILED", "CASCADE_FAILED", "CANCELED"}
SHOWN = ("@componentParent", "@status", "@actualEndTime")


def activity(name: str, command: str, *after: str) -> dict[str, Any]:
    """Return a ShellCommandActivity of the worker group `etl` that waits for others."""
    fields = [
        {"key": "type", "stringValue": "ShellCommandActivity"},
        {"key": "command", "stringValue": command},
        {"key": "workerGroup", "stringValue": "etl"},
        *({"key": "dependsOn", "refValue": other} for other in after),
    ]
    return {"id": name, "name": name, "fields": fields}


def start(client: Any) -> str:
    """Make a pipeline and activate it; return its id."""
    made = client.create_pipeline(name="sample", uniqueId=uuid.uuid4().hex)["pipelineId"]
    objects = [
        activity("Left", "echo left"),
        activity("Right", "echo right"),
        activity("Join", "echo both", "Left", "Right"),
    ]
    found = client.put_pipeline_definition(pipelineId=made, pipelineObjects=objects)
    if found["errored"]:
        sys.exit(str(found["validationErrors"]))
    client.activate_pipeline(pipelineId=made)
    return str(made)


def rows(client: Any, pipeline: str) -> list[dict[str, str]]:
    """Return the fields of each instance."""
    ids = client.query_objects(pipelineId=pipeline, sphere="INSTANCE")["ids"]
    found = client.describe_objects(pipelineId=pipeline, objectIds=ids)["pipelineObjects"]
    return [{f["key"]: value(f) for f in each["fields"]} for each in found]


def value(field: dict[str, str]) -> str:
    """Return what a field holds: a text, or the id of another object."""
    return field["refValue"] if "refValue" in field else field["stringValue"]


def wait(client: Any, pipeline: str) -> list[dict[str, str]]:
    """Return the instances when all have ended, or as they are when it takes too long."""
    began, told = time.monotonic(), False
    while True:
        found, waited = rows(client, pipeline), time.monotonic() - began
        if all(row["@status"] in ENDED for row in found) or waited > WAIT_SECONDS:
            return found
        if waited > QUIET_SECONDS and not told:
            show([row for row in found if row["@status"] not in ENDED])
            told = True
        time.sleep(STEP_SECONDS)


def show(found: list[dict[str, str]]) -> None:
    """Print a line for each instance: what it is, how it is, when it ended, why it waits."""
    for row in found:
        print(*(f"{row.get(key, ''):20}" for key in SHOWN), row.get("@waitingReason", ""))


def main() -> int:
    """Run it; return the exit code."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 12})
    endpoint = os.environ["ENDPOINT"]
    client = boto3.client("datapipeline", "us-east-1", endpoint_url=endpoint, config=config)
    pipeline = start(client)
    print("pipeline", pipeline)
    found = wait(client, pipeline)
    show(found)
    return 0 if [row["@status"] for row in found] == ["FINISHED"] * 3 else 1


if __name__ == "__main__":
    sys.exit(main())
