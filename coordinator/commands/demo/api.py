"""The coordinator as the demo sees it: over the wire, with a stock boto3 client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import botocore
from botocore.config import Config

from coordinator.commands.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coordinator.commands.demo.definition import WireObject

ENDED_BADLY = ("FAILED", "CANCELED")
IN_HAND = ("RUNNING", "WAITING_FOR_RUNNER")


@dataclass(frozen=True)
class Progress:
    """How far the pipeline is; `running` names the tasks in hand."""

    total: int
    done: int
    running: list[str]
    failed: list[str]

    @property
    def waiting(self) -> int:
        """How many tasks nobody has taken yet."""
        return self.total - self.done - len(self.running) - len(self.failed)


@dataclass(frozen=True)
class Attempt:
    """One attempt of a task; `claimed_at` is in seconds since 1970, by Redis's clock."""

    task: str
    number: int
    status: str
    hostname: str
    claimed_at: float
    error_id: str

    @property
    def runner(self) -> str:
        """The name of the runner in its identity."""
        return self.hostname.partition("-")[0]


class Api:
    """The calls that the demo makes about its one pipeline."""

    def __init__(self, url: str) -> None:
        self._client: Any = boto3.client(
            "datapipeline",
            endpoint_url=url,
            region_name="us-east-1",
            config=Config(
                signature_version=botocore.UNSIGNED,
                retries={"mode": "standard", "total_max_attempts": 6},
                read_timeout=10,
            ),
        )
        self._pipeline = ""
        self._tasks: dict[str, str] = {}

    def begin(self, name: str, objects: Sequence[WireObject]) -> str:
        """Create, define and activate the pipeline; return its id.

        Raises:
            DemoError: the definition has errors.
        """
        self._pipeline = self._client.create_pipeline(name=name, uniqueId=name)["pipelineId"]
        answer = self._client.put_pipeline_definition(
            pipelineId=self._pipeline, pipelineObjects=objects
        )
        if answer["errored"]:
            raise DemoError(f"The definition was refused: {answer['validationErrors']}")
        self._client.activate_pipeline(pipelineId=self._pipeline)
        found = self._described(self._query("INSTANCE"))
        self._tasks = {instance: fields["@componentParent"] for instance, fields in found}
        return self._pipeline

    def progress(self) -> Progress:
        """Ask which tasks are done, running, or have failed."""
        finished = self._query("INSTANCE", "FINISHED")
        running = self._query("INSTANCE", "RUNNING")
        failed = self._query("INSTANCE", *ENDED_BADLY)
        return Progress(len(self._tasks), len(finished), self._names(running), self._names(failed))

    def holding(self) -> list[Attempt]:
        """Ask for the attempts that are in a runner's hands."""
        return list(self._attempts(self._query("ATTEMPT", *IN_HAND)))

    def attempts(self) -> list[Attempt]:
        """Ask for all attempts."""
        return list(self._attempts(self._query("ATTEMPT")))

    def _attempts(self, ids: Sequence[str]) -> Iterator[Attempt]:
        for _, fields in self._described(ids):
            yield Attempt(
                task=fields["@componentParent"],
                number=int(fields["@attemptCount"]),
                status=fields["@status"],
                hostname=fields.get("hostname", ""),
                # The fencing token grows with time: it is that of the hand-out, in microseconds.
                claimed_at=int(fields["@fencingToken"]) / 1e6,
                error_id=fields.get("errorId", ""),
            )

    def _names(self, instances: Sequence[str]) -> list[str]:
        return [self._tasks[instance] for instance in instances]

    def _query(self, sphere: str, *statuses: str) -> list[str]:
        selector = {"fieldName": "@status", "operator": {"type": "EQ", "values": [*statuses]}}
        query = {"selectors": [selector] if statuses else []}
        pages = self._client.get_paginator("query_objects").paginate(
            pipelineId=self._pipeline, sphere=sphere, query=query
        )
        return [name for page in pages for name in page["ids"]]

    def _described(self, ids: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """Describe objects: (id, fields)."""
        pages = self._client.get_paginator("describe_objects").paginate(
            pipelineId=self._pipeline, objectIds=ids
        )
        for page in pages if ids else ():
            for item in page["pipelineObjects"]:
                yield item["id"], {f["key"]: _value(f) for f in item["fields"]}


def _value(field: dict[str, str]) -> str:
    return field.get("stringValue") or field.get("refValue", "")
