"""Pipelines: create, describe, list, delete."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from coordinator.domain.definitions import Field
from coordinator.domain.ids import new_pipeline_id, shard_of
from coordinator.domain.times import iso
from coordinator.errors import (
    InvalidRequestError,
    PipelineDeletedError,
    PipelineNotFoundError,
    UnavailableError,
)
from coordinator.store.pipelines import NewPipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coordinator.service.shards import Shards
    from coordinator.store.instances import Record
    from coordinator.store.pipelines import Pipelines, StoredDefinition

LIST_PAGE = 100
MAX_DESCRIBED = 100
MAX_TAGS = 10
TAG_TRIES = 10
TIMES = {
    "@firstActivationTime": "first_activated_ms",
    "@lastActivationTime": "activated_ms",
    "@lastDeactivatedTime": "deactivated_ms",
    "@latestRunTime": "latest_run_ms",
    "@latestCompletedRunTime": "completed_ms",
}
NEVER = "inf"


class Description(NamedTuple):
    """A pipeline's metadata; `tags` is JSON."""

    id: str
    name: str
    description: str
    tags: bytes
    fields: list[Field]


class PipelineService:
    """Use cases around a pipeline as a whole."""

    def __init__(self, pipelines: Pipelines, shards: Shards) -> None:
        self._pipelines = pipelines
        self._shards = shards

    async def create(
        self, account: str, name: str, unique_id: str, description: str, tags: dict[str, str]
    ) -> str:
        """Create a pipeline, or return the id of the one with this name and unique id."""
        digest = sha256(msgspec.json.encode([name, unique_id])).hexdigest()[:32]
        new = NewPipeline(account, digest, name, unique_id, description, _tag_rows(tags))
        *earlier, shard = self._shards.for_new(digest)
        for place in earlier:
            existing = await self._pipelines.create(place, new, "", create=False)
            if existing is not None:
                return existing
        created = await self._pipelines.create(shard, new, new_pipeline_id(shard))
        return created or ""

    async def describe(self, account: str, ids: Sequence[str]) -> list[Description]:
        """Describe pipelines in the order of `ids`.

        Raises:
            PipelineNotFoundError, PipelineDeletedError: of the first id that has none.
            InvalidRequestError: more than 100 ids.
        """
        if len(ids) > MAX_DESCRIBED:
            raise InvalidRequestError(
                f"Member 'pipelineIds' must have at most {MAX_DESCRIBED} items."
            )
        found = []
        for pipeline_id in ids:
            stored = await self._pipelines.living(account, pipeline_id)
            found.append(_description(account, pipeline_id, stored))
        return found

    async def page(self, account: str, marker: str) -> tuple[list[tuple[str, str]], str]:
        """List a page of (id, name) and the marker of the next page, empty after the last.

        Raises:
            InvalidRequestError: the marker is not one of ours.
        """
        shard, after = _read_marker(marker)
        page: list[tuple[str, str]] = []
        while shard < self._shards.count:
            rows = await self._pipelines.ids_and_names(
                shard, account, after, LIST_PAGE + 1 - len(page)
            )
            page += rows
            if len(page) > LIST_PAGE:
                last = page[LIST_PAGE - 1][0]
                return page[:LIST_PAGE], last
            shard, after = shard + 1, ""
        return page, ""

    async def add_tags(self, account: str, pipeline_id: str, added: dict[str, str]) -> None:
        """Add tags to a pipeline; one that it has gets the new value.

        Raises:
            InvalidRequestError: it would have more than 10.
            UnavailableError: others kept changing them.
            PipelineNotFoundError, PipelineDeletedError
        """
        await self._change_tags(account, pipeline_id, lambda tags: tags | added)

    async def remove_tags(self, account: str, pipeline_id: str, names: Sequence[str]) -> None:
        """Take tags off a pipeline; one that it does not have is no mistake.

        Raises:
            UnavailableError: others kept changing them.
            PipelineNotFoundError, PipelineDeletedError
        """
        gone = set(names)
        await self._change_tags(
            account,
            pipeline_id,
            lambda tags: {key: value for key, value in tags.items() if key not in gone},
        )

    async def _change_tags(
        self,
        account: str,
        pipeline_id: str,
        change: Callable[[dict[str, str]], dict[str, str]],
    ) -> None:
        """Change the tags as they are, again if somebody else has changed them meanwhile."""
        for _ in range(TAG_TRIES):
            before = (await self._pipelines.living(account, pipeline_id)).pipeline["tags"]
            tags = change({tag["key"]: tag["value"] for tag in msgspec.json.decode(before)})
            if len(tags) > MAX_TAGS:
                raise InvalidRequestError(
                    f"The pipeline would have {len(tags)} tags; {MAX_TAGS} are allowed."
                )
            if await self._pipelines.set_tags(account, pipeline_id, before, _tag_rows(tags)):
                return
        raise UnavailableError("The tags kept changing meanwhile: repeat the call.")

    async def delete(self, account: str, pipeline_id: str, answer: str) -> None:
        """Delete a pipeline with its definition and history.

        Raises:
            PipelineNotFoundError: there is none, or it is deleted already.
        """
        try:
            await self._pipelines.delete(account, pipeline_id, answer)
        except PipelineDeletedError as error:  # the model has no such fault for this operation
            raise PipelineNotFoundError(str(error)) from error


def _tag_rows(tags: dict[str, str]) -> bytes:
    """Write tags as they are stored, and as the API has them: each key once."""
    return msgspec.json.encode([{"key": key, "value": value} for key, value in tags.items()])


def _read_marker(marker: str) -> tuple[int, str]:
    """Read where the next page begins: a shard, and the last id before, which names the shard."""
    if not marker:
        return 0, ""
    try:
        return shard_of(marker), marker
    except PipelineNotFoundError:
        raise InvalidRequestError(
            "Member 'marker' is not one that ListPipelines returned."
        ) from None


def _description(account: str, pipeline_id: str, stored: StoredDefinition) -> Description:
    record = stored.pipeline
    fields = {
        "@pipelineState": _state(stored),
        "description": record["description"],
        "name": record["name"],
        "@creationTime": iso(int(record["created_ms"])),
        "@id": pipeline_id,
        "@sphere": "PIPELINE",
        "@version": record.get("version", ""),
        "@accountId": account,
        "@userId": account,
        "pipelineCreator": account,
        "uniqueId": record["unique_id"],
        **{name: _time(record, key) for name, key in TIMES.items()},
        "@nextRunTime": _next_run(record),
        **_health(record),
        "@pendingAlarms": record.get("pending_alarms", ""),
        "@alarmError": record.get("alarm_error", ""),
    }
    return Description(
        pipeline_id,
        record["name"],
        record["description"],
        record["tags"].encode(),
        [Field(key, string_value=value) for key, value in fields.items() if value],
    )


def _state(stored: StoredDefinition) -> str:
    """Return the state.

    A deactivated pipeline is INACTIVE once nothing of it runs; one whose schedules are over, and
    all of whose instances have ended, is FINISHED.
    """
    record = stored.pipeline
    if record["state"] == "INACTIVE" and stored.leased:
        return "DEACTIVATING"
    over = record.get("next_run_ms") == NEVER and record["living"] == "0"
    return "FINISHED" if over and record["state"] == "SCHEDULED" else record["state"]


def _next_run(record: Record) -> str:
    """Return when the next run is due: known of an active pipeline with a schedule."""
    due_ms = record.get("next_run_ms", NEVER)
    return "" if due_ms == NEVER or record["state"] != "SCHEDULED" else iso(float(due_ms))


def _time(record: Record, key: str) -> str:
    at = record.get(key)
    return iso(int(at)) if at else ""


def _health(record: Record) -> Record:
    """Return the pipeline's health: none before one of its instances has ended."""
    if "health_ms" not in record:
        return {}
    return {
        "@healthStatus": "ERROR" if int(record.get("ill", 0)) > 0 else "HEALTHY",
        "@healthStatusUpdatedTime": iso(int(record["health_ms"])),
        "@healthStatusFromInstanceId": record["health_id"],
    }
