"""SetStatus: cancel, rerun, finish instances; pause, resume components."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from coordinator.errors import InvalidRequestError, PipelineDeletedError, PipelineNotFoundError
from coordinator.service.components import components_of, run_components
from coordinator.service.spheres import split_attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.metrics import Metrics
    from coordinator.service.caller import Caller
    from coordinator.store.pipelines import Pipelines

STATUS_BATCH = 200
# The script of each status, by what it is for.
OF_INSTANCES = {
    "TRY_CANCEL": "cancel_instances",
    "RERUN": "rerun_instances",
    "MARK_FINISHED": "finish_instances",
}
OF_COMPONENTS = {"PAUSE": "pause_components", "RESUME": "resume_components"}
STATUSES = OF_INSTANCES | OF_COMPONENTS


class Statuses:
    """Use cases of SetStatus."""

    def __init__(self, pipelines: Pipelines, metrics: Metrics) -> None:
        self._pipelines = pipelines
        self._metrics = metrics

    async def set_status(
        self, caller: Caller, pipeline_id: str, ids: Sequence[str], status: str, answer: str
    ) -> int:
        """Change instances or components; return how many changed.

        Raises:
            InvalidRequestError: the status is unknown, or an id is none of what it is for; nothing
                changes.
            TooMuchPendingError: the account has no room for what would run again.
            PipelineNotFoundError, PipelineDeletedError
        """
        name, wanted = status.upper(), list(dict.fromkeys(ids))
        if name not in STATUSES:
            raise InvalidRequestError(
                "Member 'status' must be one of PAUSE, RESUME, TRY_CANCEL, RERUN, MARK_FINISHED."
            )
        if not wanted:
            raise InvalidRequestError("Member 'objectIds' must have at least one item.")
        if name in OF_COMPONENTS or len(wanted) > STATUS_BATCH:
            # Of a pipeline that is gone the script says so, unless the call is a repeat.
            with suppress(PipelineNotFoundError, PipelineDeletedError):
                await self._check(caller.account, pipeline_id, wanted, name)
        try:
            changed = await self._change(caller.account, pipeline_id, wanted, name, answer)
        except InvalidRequestError:  # an id that the script does not know: say what it is
            await self._check(caller.account, pipeline_id, wanted, name)
            raise
        if name == "TRY_CANCEL":
            self._metrics.canceled += changed
        return changed

    async def _change(
        self, account: str, pipeline_id: str, ids: Sequence[str], status: str, answer: str
    ) -> int:
        changed = 0
        for first in range(0, len(ids), STATUS_BATCH):
            changed += await self._pipelines.set_status(
                STATUSES[status],
                account,
                pipeline_id,
                ids[first : first + STATUS_BATCH],
                f"{answer}.{first}" if answer else "",
            )
        return changed

    async def _check(self, account: str, pipeline_id: str, ids: Sequence[str], status: str) -> None:
        """Make sure that all ids are of the kind that the status is for."""
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        instances = await self._instances(account, pipeline_id, ids)
        strange = [name for name in ids if (name in instances) != (status in OF_INSTANCES)]
        if not strange and status in OF_INSTANCES:
            return
        components = await asyncio.to_thread(components_of, pipeline_id, stored)
        for name in ids:
            if name not in instances and name not in components:
                raise InvalidRequestError(f"Member 'objectIds' names '{name[:64]}', {_what(name)}.")
        if strange:
            raise InvalidRequestError(_mixed(status, strange[0]))
        run = await asyncio.to_thread(run_components, stored)
        for name in (name for name in ids if name not in run):
            raise InvalidRequestError(
                f"Status {status} is for activities and their preconditions, and '{name[:64]}' is "
                "neither: it is never run."
            )

    async def _instances(self, account: str, pipeline_id: str, ids: Sequence[str]) -> set[str]:
        """Return those of `ids` that are instances of the pipeline."""
        found: set[str] = set()
        for first in range(0, len(ids), STATUS_BATCH):
            batch = ids[first : first + STATUS_BATCH]
            known = await self._pipelines.known(account, pipeline_id, batch)
            found.update(name for name, there in zip(batch, known, strict=True) if there)
        return found


def _what(name: str) -> str:
    if split_attempt(name)[1]:
        return "an attempt, whose status cannot be set: name its instance"
    return "which is neither an instance nor a component of this pipeline"


def _mixed(status: str, strange: str) -> str:
    kind = "instances" if status in OF_INSTANCES else "components"
    other = "a component" if status in OF_INSTANCES else "an instance"
    return f"Status {status} is for {kind}, and '{strange[:64]}' is {other}."
