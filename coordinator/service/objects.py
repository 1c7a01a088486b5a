"""Objects of a pipeline: describe, query, set their status."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.inheritance import flatten
from coordinator.errors import InvalidRequestError
from coordinator.service import spheres
from coordinator.service.definitions import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.metrics import Metrics
    from coordinator.service.caller import Caller
    from coordinator.store.pipelines import Pipelines, StoredDefinition

DESCRIBE_PAGE = 100
STATUS_BATCH = 200
# Statuses of SetStatus in this version, and the script of each.
STATUS_SCRIPTS = {"TRY_CANCEL": "cancel_instances", "RERUN": "rerun_instances"}
LATER_STATUSES = {"PAUSE", "RESUME", "MARK_FINISHED"}


class Objects:
    """Use cases around components, instances and attempts."""

    def __init__(self, pipelines: Pipelines, metrics: Metrics) -> None:
        self._pipelines = pipelines
        self._metrics = metrics

    async def describe(
        self, account: str, pipeline_id: str, ids: Sequence[str], marker: str
    ) -> tuple[list[PipelineObject], str]:
        """Describe a page of at most 100 of `ids`; also the next page's marker, or empty.

        Raises:
            InvalidRequestError: an id is unknown, or the marker is not ours.
            PipelineNotFoundError, PipelineDeletedError
        """
        first = read_offset(marker, len(ids), "DescribeObjects")
        page = ids[first : first + DESCRIBE_PAGE]
        await self._pipelines.living(account, pipeline_id)
        found = await self._run_objects(account, pipeline_id, page)
        others = [name for name in page if name not in found]
        if others:
            found |= await self._components(account, pipeline_id)
        for name in others:
            if name not in found:
                raise InvalidRequestError(
                    f"Member 'objectIds' names '{name[:64]}', "
                    "which is not an object of this pipeline."
                )
        after = first + len(page)
        return [found[name] for name in page], str(after) if after < len(ids) else ""

    async def set_status(
        self, caller: Caller, pipeline_id: str, ids: Sequence[str], status: str, answer: str
    ) -> int:
        """Cancel or rerun instances; return how many changed.

        Raises:
            InvalidRequestError: an id is no instance's, or the status is unknown; nothing changes.
            PipelineNotFoundError, PipelineDeletedError
        """
        script = _status_script(status)
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            raise InvalidRequestError("Member 'objectIds' must have at least one item.")
        if len(wanted) > STATUS_BATCH:
            await self._check_instances(caller.account, pipeline_id, wanted)
        changed = 0
        for first in range(0, len(wanted), STATUS_BATCH):
            batch = wanted[first : first + STATUS_BATCH]
            key = f"{answer}.{first}" if answer else ""
            count = await self._pipelines.set_status(
                script, caller.account, pipeline_id, batch, key
            )
            if script == "cancel_instances":
                self._metrics.canceled += count
            changed += count
        return changed

    async def _check_instances(self, account: str, pipeline_id: str, ids: Sequence[str]) -> None:
        await self._pipelines.living(account, pipeline_id)
        for first in range(0, len(ids), STATUS_BATCH):
            batch = ids[first : first + STATUS_BATCH]
            rows = await self._pipelines.instances(
                account, pipeline_id, [(name, 0) for name in batch]
            )
            for name, row in zip(batch, rows, strict=True):
                if row is None:
                    raise InvalidRequestError(
                        f"Member 'objectIds' names '{name[:64]}', "
                        "which is not an instance of this pipeline."
                    )

    async def _components(self, account: str, pipeline_id: str) -> dict[str, PipelineObject]:
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        return await asyncio.to_thread(components_of, pipeline_id, stored)

    async def _run_objects(
        self, account: str, pipeline_id: str, names: Sequence[str]
    ) -> dict[str, PipelineObject]:
        """Describe those of `names` that are instances or attempts."""
        wanted = [spheres.split_attempt(name) for name in names]
        rows = await self._pipelines.instances(account, pipeline_id, wanted) if names else []
        found = {}
        for name, (_, number), row in zip(names, wanted, rows, strict=True):
            if row is None:
                continue
            fields = (
                spheres.attempt_fields(pipeline_id, row, number)
                if number
                else spheres.instance_fields(pipeline_id, row)
            )
            if fields is not None:
                found[name] = PipelineObject(name, name, tuple(fields))
        return found


def read_offset(marker: str, length: int, operation: str) -> int:
    """Read the marker of a page: how many came before it.

    Raises:
        InvalidRequestError: it is not one of ours.
    """
    if not marker:
        return 0
    if not (marker.isascii() and marker.isdecimal()) or int(marker) >= length:
        raise InvalidRequestError(f"Member 'marker' is not one that {operation} returned.")
    return int(marker)


def _status_script(status: str) -> str:
    name = status.upper()
    if name in LATER_STATUSES:
        raise InvalidRequestError(f"Status {name} is not available in this version.")
    script = STATUS_SCRIPTS.get(name)
    if script is None:
        raise InvalidRequestError(
            "Member 'status' must be one of PAUSE, RESUME, TRY_CANCEL, RERUN, MARK_FINISHED."
        )
    return script


def components_of(pipeline_id: str, stored: StoredDefinition) -> dict[str, PipelineObject]:
    """Return the components of a definition as they are described, by id."""
    objects = decode(stored).pipeline_objects
    parents = {
        name: [field for field in fields if field.key == "parent"]
        for name, fields in flatten(objects).items()
    }
    state = "SCHEDULED" if stored.pipeline.get("activated_ms") else "PENDING"
    system = (
        Field("@sphere", string_value="COMPONENT"),
        Field("@version", string_value=stored.version or "0"),
        Field("@status", string_value=state),
        Field("@pipelineId", string_value=pipeline_id),
    )
    return {
        item.id: PipelineObject(
            item.id,
            item.name,
            (
                *system,
                *(field for field in item.fields if field.key != "parent"),
                *parents[item.id],
            ),
        )
        for item in objects
    }
