"""The task half of the API: poll, report, finish, heartbeat."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from coordinator.domain.evaluation import FieldError
from coordinator.domain.ids import decode_handle
from coordinator.domain.retries import RUNNER_STOPPED
from coordinator.errors import (
    CoordinatorError,
    ForeignGroupError,
    InvalidRequestError,
    LeaseLostError,
    PipelineDeletedError,
    PipelineNotFoundError,
    TaskNotFoundError,
)
from coordinator.service.access import check_group, foreign_group
from coordinator.service.task_objects import encode_values, handle_of, task_of
from coordinator.store.tasks import PollCall

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.domain.definitions import Field
    from coordinator.domain.ids import Handle
    from coordinator.metrics import Metrics
    from coordinator.service.caller import Caller
    from coordinator.service.contexts import Contexts
    from coordinator.service.polls import Polls
    from coordinator.service.shards import Shards
    from coordinator.service.sightings import Sightings
    from coordinator.service.task_objects import Task
    from coordinator.service.waiters import Presence
    from coordinator.store.tasks import Claimed, Tasks

log = logging.getLogger(__name__)
EXPRESSION_ERROR = "ExpressionError"
# A roll-out of runners must not use up a task's lost leases by giving it from one to the next.
STOPPED_PACE_MS = 20_000
HEARTBEAT_KEEP_MS = 3_600_000
# As what a refused task call is counted; a subclass stands before its base.
REFUSED = (
    (LeaseLostError, "superseded"),
    (TaskNotFoundError, "unknown"),
    (PipelineNotFoundError, "unknown"),
    (PipelineDeletedError, "deleted"),
    (InvalidRequestError, "invalid"),
)


class TaskService:
    """Use cases of task runners."""

    def __init__(
        self,
        tasks: Tasks,
        polls: Polls,
        contexts: Contexts,
        sightings: Sightings,
        shards: Shards,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._tasks = tasks
        self._contexts = contexts
        self._sightings = sightings
        self._polls = polls
        self._shards = shards
        self._timeout_ms = int(settings.progress_timeout * 1000)
        self._max_lost = settings.max_lost_leases
        self._metrics = metrics

    async def poll(
        self, caller: Caller, group: str, hostname: str, presence: Presence
    ) -> Task | None:
        """Hand out a task of a worker group, or None after the wait.

        Raises:
            UnavailableError: Redis cannot answer now.
            AccessDeniedError: the group is none of the caller's.
        """
        check_group(caller, "PollForTask", group)
        call = PollCall(
            caller.account, group, caller.poll_key(group, hostname), caller.attempt, hostname
        )
        self._sightings.note(caller.account, group, hostname)
        self._metrics.polls.add((caller.account, group))
        began = perf_counter()
        while claimed := await self._polls.poll(call, presence):
            try:
                fields, needed = await self._contexts.object_of(caller.account, claimed)
            except FieldError as error:
                await self._give_up(caller.account, claimed, str(error))
            except PipelineNotFoundError:
                log.debug("pipeline %s went while its task was claimed", claimed.pipeline_id)
            else:
                self._metrics.poll_hand_out.observe(perf_counter() - began)
                return task_of(caller.account, claimed, fields, needed, self._timeout_ms)
        self._metrics.empty_polls += 1
        return None

    async def report(self, caller: Caller, task_id: str, fields: tuple[Field, ...] | None) -> str:
        """Acknowledge a task or renew its lease, and store reported fields.

        The hot path: one script call.

        Returns: accepted, repeat, superseded, canceled or deleted.

        Raises:
            TaskNotFoundError, PipelineNotFoundError, PipelineDeletedError, InvalidRequestError,
            AccessDeniedError
        """
        account, globs = caller.account, caller.worker_groups
        handle = self._handle(account, task_id)
        flat = encode_values(fields) if fields else ()
        try:
            verdict, measure = await self._tasks.report(
                account, handle, self._timeout_ms, flat, globs
            )
        except ForeignGroupError:
            raise foreign_group(caller, "ReportTaskProgress") from None
        except CoordinatorError as error:
            self._count_refused(error)
            raise
        if verdict == "accepted":
            self._metrics.renewed += 1
            self._metrics.lease_slack.seen[measure] += 1
        elif verdict == "acknowledged":
            self._metrics.acknowledged += 1
            self._metrics.lease_slack.seen[measure] += 1
            return "accepted"
        else:
            self._metrics.refused[verdict] += 1
            if verdict != "repeat":
                self._metrics.cancel_told.observe(max(measure, 0) / 1000)
        return verdict

    async def finish(
        self, caller: Caller, task_id: str, status: str, errors: tuple[str, str, str]
    ) -> str:
        """Record a result; `errors` are id, message and stack trace.

        A failure whose id is RUNNER_STOPPED counts toward COORDINATOR_MAX_LOST_LEASES, and not as
        a try.

        Returns: accepted, repeat or canceled.

        Raises:
            TaskNotFoundError, PipelineNotFoundError, PipelineDeletedError, InvalidRequestError,
            AccessDeniedError
        """
        account, globs = caller.account, caller.worker_groups
        handle = self._handle(account, task_id)
        max_lost = self._max_lost if errors[0] == RUNNER_STOPPED else 0
        try:
            outcome = await self._tasks.finish(
                account, handle, status, errors, globs, max_lost=max_lost, pace_ms=STOPPED_PACE_MS
            )
        except ForeignGroupError:
            raise foreign_group(caller, "SetTaskStatus") from None
        except CoordinatorError as error:
            self._count_refused(error)
            raise
        if outcome in {"repeat", "canceled"}:
            self._metrics.refused[outcome] += 1
            return outcome
        setattr(self._metrics, outcome, getattr(self._metrics, outcome) + 1)
        return "accepted"

    async def heartbeat(self, caller: Caller, runner: str, group: str, hostname: str) -> None:
        """Remember that a task runner is alive.

        Raises:
            AccessDeniedError: it names a worker group that is none of the caller's.
        """
        if group:
            check_group(caller, "ReportTaskRunnerHeartbeat", group)
        shard, account = self._shards.home_of(runner), caller.account
        await self._tasks.heartbeat(shard, account, runner, group, hostname, HEARTBEAT_KEEP_MS)

    async def _give_up(self, account: str, claimed: Claimed, problem: str) -> None:
        """Fail a task whose object cannot be worked out: no retry would mend that."""
        handle = handle_of(claimed)
        errors = (EXPRESSION_ERROR, problem, "")
        try:
            outcome = await self._tasks.finish(account, handle, "FAILED", errors, final=True)
        except (TaskNotFoundError, PipelineNotFoundError, PipelineDeletedError) as error:
            log.debug("the task was taken away before it could fail: %s", error)
            return
        if outcome == "failed":
            self._metrics.failed += 1

    def _handle(self, account: str, task_id: str) -> Handle:
        try:
            return decode_handle(account, task_id)
        except TaskNotFoundError as error:
            self._count_refused(error)
            raise

    def _count_refused(self, error: CoordinatorError) -> None:
        for kind, verdict in REFUSED:
            if isinstance(error, kind):
                self._metrics.refused[verdict] += 1
                return
