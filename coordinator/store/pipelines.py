"""Pipelines, definitions and instances in the store. One script call each, but for what pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from coordinator.domain.ids import shard_of
from coordinator.domain.times import iso
from coordinator.errors import PipelineDeletedError, PipelineNotFoundError
from coordinator.store.facts import Facts
from coordinator.store.instances import InstanceRow, record_of, stored_instances

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coordinator.store.instances import Record, Search, StoredInstance
    from coordinator.store.scripts import Scripts

STAGE_BYTES = 256 * 1024
STAGE_FIELDS = 500


class NewPipeline(NamedTuple):
    """What CreatePipeline stores; `digest` stands for name and unique id, `tags` is JSON."""

    account: str
    digest: str
    name: str
    unique_id: str
    description: str
    tags: bytes


class StoredDefinition(NamedTuple):
    """A pipeline's record with one version of its definition (JSON; empty: there is none).

    `leased` is how many of its tasks are held now.
    """

    pipeline: Record
    definition: bytes
    version: str
    errored: bool
    leased: int


class Pipelines(Facts):
    """The pipeline half of the store. `account` and `pipeline_id` name a pipeline everywhere.

    Every method raises PipelineNotFoundError for an id that no pipeline of the account has, and
    those that change something PipelineDeletedError for a deleted one.

    Args:
        max_pending: most unfinished instances of an account in a shard; 0: any number.
    """

    def __init__(self, scripts: Scripts, max_pending: int = 0) -> None:
        super().__init__(scripts)
        self._max_pending = max_pending

    async def create(
        self, shard: int, new: NewPipeline, pipeline_id: str, *, create: bool = True
    ) -> str | None:
        """Create a pipeline or find the one that is there; with `create` False only look."""
        reply = await self._scripts.call(
            "create_pipeline", shard, **new._asdict(), pipeline=pipeline_id, create=int(create)
        )
        return None if reply is None else reply.decode()

    async def read(self, account: str, pipeline_id: str, wanted: str = "") -> StoredDefinition:
        """Read a pipeline's record, and its definition if `wanted` is latest or active."""
        record, definition, version, errored, leased = await self._scripts.read(
            "read_pipeline",
            shard_of(pipeline_id),
            scope=f"{account}:{pipeline_id}",
            wanted=wanted,
        )
        return StoredDefinition(
            record_of(record), definition, version.decode(), errored == b"1", leased
        )

    async def living(self, account: str, pipeline_id: str, wanted: str = "") -> StoredDefinition:
        """Read a pipeline as `read` does.

        Raises:
            PipelineNotFoundError: there is none.
            PipelineDeletedError: it is deleted.
        """
        stored = await self.read(account, pipeline_id, wanted)
        if not stored.pipeline:
            raise PipelineNotFoundError(f"Pipeline '{pipeline_id}' does not exist.")
        if deleted_ms := stored.pipeline.get("deleted_ms"):
            raise PipelineDeletedError(f"The pipeline was deleted at {iso(int(deleted_ms))}.")
        return stored

    async def ids_and_names(
        self, shard: int, account: str, after: str, limit: int
    ) -> list[tuple[str, str]]:
        """List (id, name) of at most `limit` pipelines of a shard, behind the id `after`."""
        flat = await self._scripts.read(
            "list_pipelines", shard, account=account, after=after, limit=limit
        )
        return [(flat[i].decode(), flat[i + 1].decode()) for i in range(0, len(flat), 2)]

    async def put(
        self,
        account: str,
        pipeline_id: str,
        definition: bytes,
        *,
        errored: bool,
        based_on: str = "",
    ) -> int:
        """Save a definition as the latest version, and return its number.

        Raises:
            VersionChangedError: the latest is no longer the one that it is based on.
        """
        version: int = await self._scripts.call(
            "put_definition",
            shard_of(pipeline_id),
            scope=f"{account}:{pipeline_id}",
            definition=definition,
            errored=int(errored),
            based_on=based_on,
        )
        return version

    async def stage(
        self, account: str, pipeline_id: str, version: str, fields: Iterable[tuple[str, bytes]]
    ) -> None:
        """Store what a version runs, in calls of bounded size; `fields` must end with the count."""
        batch: list[str | bytes] = []
        size = 0
        for name, value in fields:
            batch += [name, value]
            size += len(value)
            if size > STAGE_BYTES or len(batch) >= STAGE_FIELDS:
                await self._stage(account, pipeline_id, version, batch)
                batch, size = [], 0
        if batch:
            await self._stage(account, pipeline_id, version, batch)

    async def _stage(
        self, account: str, pipeline_id: str, version: str, batch: Sequence[str | bytes]
    ) -> None:
        await self._scripts.call(
            "stage_components",
            shard_of(pipeline_id),
            *batch,
            scope=f"{account}:{pipeline_id}",
            version=version,
        )

    async def activate(
        self,
        account: str,
        pipeline_id: str,
        version: str,
        answer: str,
        start_ms: int | None = None,
    ) -> int | None:
        """Start a version that is staged; return the start second, or None.

        None is a repeat, a pipeline that goes on with tasks that it was deactivated with, or one
        with schedules: those go on where they were, or from `start_ms` on.

        Raises:
            NotStagedError, VersionChangedError: the caller must prepare again.
            InvalidRequestError: it has as many runs as it may have, or its schedules are others
                than those that it has run by.
            TooMuchPendingError: the account has no room for the instances of another run.
        """
        start: int | bytes | None = await self._scripts.call(
            "activate_pipeline",
            shard_of(pipeline_id),
            scope=f"{account}:{pipeline_id}",
            version=version,
            answer=answer,
            from_ms="" if start_ms is None else start_ms,
            max_pending=self._max_pending,
        )
        return start if isinstance(start, int) else None

    async def deactivate(
        self, account: str, pipeline_id: str, answer: str, *, cancel: bool
    ) -> None:
        """Deactivate a pipeline; with `cancel` all that has not ended is canceled.

        Raises:
            InvalidRequestError: it was never activated.
        """
        await self._scripts.call(
            "deactivate_pipeline",
            shard_of(pipeline_id),
            scope=f"{account}:{pipeline_id}",
            cancel=int(cancel),
            answer=answer,
        )

    async def set_tags(self, account: str, pipeline_id: str, before: str, tags: bytes) -> bool:
        """Replace the tags (JSON); False if they are no longer as they were `before`."""
        done = await self._scripts.call(
            "set_tags",
            shard_of(pipeline_id),
            scope=f"{account}:{pipeline_id}",
            before=before,
            tags=tags,
        )
        return bool(done)

    async def delete(self, account: str, pipeline_id: str, answer: str) -> None:
        """Delete a pipeline."""
        await self._scripts.call(
            "delete_pipeline",
            shard_of(pipeline_id),
            scope=f"{account}:{pipeline_id}",
            answer=answer,
        )

    async def set_status(
        self, script: str, account: str, pipeline_id: str, ids: Sequence[str], answer: str
    ) -> int:
        """Run one of the scripts of SetStatus on at most 200 ids; return how many changed.

        A rerun of instances with very many dependencies takes several calls, each of which has an
        answer of its own: a repeat does none of them twice, and goes on where the first stopped.

        Raises:
            InvalidRequestError: an id is not an instance of the pipeline; nothing was changed.
            TooMuchPendingError: the account has no room for all that would run again.
        """
        left, changed = list(ids), 0
        while left:
            looked_at, count = await self._scripts.call(
                script,
                shard_of(pipeline_id),
                *left,
                scope=f"{account}:{pipeline_id}",
                answer=f"{answer}.{len(ids) - len(left)}" if answer else "",
                max_pending=self._max_pending,
            )
            left, changed = left[looked_at:], changed + count
        return changed

    async def instances(
        self, account: str, pipeline_id: str, wanted: Sequence[tuple[str, int]]
    ) -> list[StoredInstance | None]:
        """Read instances by (instance id, attempt number; 0: the current one); at most 200."""
        shard, scope = shard_of(pipeline_id), f"{account}:{pipeline_id}"
        found: list[StoredInstance | None] = []
        while len(found) < len(wanted):  # large ones take several calls
            flat = [part for pair in wanted[len(found) :] for part in pair]
            rows = await self._scripts.read("read_instances", shard, *flat, scope=scope)
            found += stored_instances(rows)
        return found

    async def page(
        self, account: str, pipeline_id: str, after: str, limit: int
    ) -> list[InstanceRow]:
        """Read a page of instances in the order of their making, behind number `after`."""
        shard, scope = shard_of(pipeline_id), f"{account}:{pipeline_id}"
        rows = await self._scripts.read(
            "list_instances", shard, scope=scope, after=after, limit=limit
        )
        return [InstanceRow(*(part.decode() for part in row)) for row in rows]

    async def find(
        self, account: str, pipeline_id: str, search: Search, after: str, limit: int
    ) -> list[InstanceRow]:
        """Read a page of instances from an index, behind the instance with number `after`."""
        rows = await self._scripts.read(
            "find_instances",
            shard_of(pipeline_id),
            *search.places,
            scope=f"{account}:{pipeline_id}",
            index=search.name,
            after=after,
            limit=limit,
            from_ms=search.from_ms,
            to_ms=search.to_ms,
        )
        return [InstanceRow(*(part.decode() for part in row)) for row in rows]
