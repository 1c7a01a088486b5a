"""The code table: with what a script refuses, and which exception that is.

A script refuses with ``redis.error_reply('CODE detail')`` before its first write. `lua/README.md`
lists the same codes, and a test compares the three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coordinator.domain.times import iso
from coordinator.errors import (
    CoordinatorError,
    ForeignGroupError,
    InvalidRequestError,
    LeaseLostError,
    NotStagedError,
    PipelineDeletedError,
    PipelineNotFoundError,
    PollSupersededError,
    TaskNotFoundError,
    TooMuchPendingError,
    VersionChangedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from coordinator.store.replies import ScriptError


def _pipeline_not_found(scope: str) -> CoordinatorError:
    return PipelineNotFoundError(f"Pipeline '{scope.partition(':')[2]}' does not exist.")


def _pipeline_deleted(at_ms: str) -> CoordinatorError:
    return PipelineDeletedError(f"The pipeline was deleted at {iso(int(at_ms))}.")


def _task_not_found(_: str) -> CoordinatorError:
    return TaskNotFoundError("The task does not exist: it was never handed out with this taskId.")


def _lease_lost(detail: str) -> CoordinatorError:
    at_ms, _, holder = detail.partition(" ")
    state, _, hostname = holder.partition(" ")
    by = f"'{hostname}'" if hostname else "another runner"
    now = f"it is now held by {by}" if state == "held" else "nobody holds it now"
    return LeaseLostError(f"The lease on this task was lost at {iso(int(at_ms))}; {now}.")


def _status_already_set(status: str) -> CoordinatorError:
    return InvalidRequestError(f"The status of this task is {status} already and cannot change.")


def _not_a_precondition(component: str) -> CoordinatorError:
    return InvalidRequestError(
        f"Status FALSE is for preconditions, and '{component}' is an activity: "
        "use FINISHED or FAILED."
    )


def _too_many_fields(count: str) -> CoordinatorError:
    return InvalidRequestError(
        f"Member 'fields' would give this attempt {count} distinct keys; 50 are allowed."
    )


def _too_much_progress(size: str) -> CoordinatorError:
    return InvalidRequestError(
        f"Member 'fields' would make what this attempt has reported {size} bytes long; "
        "262144 are allowed."
    )


def _no_such_instance(instance: str) -> CoordinatorError:
    return InvalidRequestError(
        f"Member 'objectIds' names '{instance[:64]}', which is not an instance of this pipeline."
    )


def _fewer_shards(now: str) -> CoordinatorError:
    return InvalidRequestError(f"There are {now} shards; the number only grows.")


def _no_definition(_: str) -> CoordinatorError:
    return InvalidRequestError("The pipeline has no definition: call PutPipelineDefinition.")


def _definition_errored(_: str) -> CoordinatorError:
    return InvalidRequestError(
        "The pipeline definition has errors: call PutPipelineDefinition and mend what its "
        "validationErrors say."
    )


def _never_activated(_: str) -> CoordinatorError:
    return InvalidRequestError("The pipeline was never activated: there is nothing to deactivate.")


def _too_many_runs(most: str) -> CoordinatorError:
    return InvalidRequestError(
        f"Exceeded number of concurrent executions: {most} of this pipeline's runs have not ended "
        "yet. Wait for one, rerun or mark finished what it waits for, deactivate the pipeline, or "
        "raise 'maxActiveInstances' in its Default object."
    )


def _too_much_pending(detail: str) -> CoordinatorError:
    pending, more, most = detail.split(" ")
    return TooMuchPendingError(
        f"The account has {pending} unfinished instances where this pipeline is kept, and may have "
        f"{most} (COORDINATOR_MAX_PENDING): there is no room for {more} more. Wait for "
        "some to end, or cancel them."
    )


def _goes_on(_: str) -> CoordinatorError:
    return InvalidRequestError(
        "The pipeline goes on with the tasks that it was deactivated with, which have their "
        "parameter values: activate it without values, or deactivate it with cancelActive first."
    )


def _schedule_changed(name: str) -> CoordinatorError:
    was = "on demand" if name == "ondemand" else f"by its schedule '{name.partition('/')[2]}'"
    return InvalidRequestError(
        f"The pipeline has run {was}, and the new definition or its values would change that: "
        "take another pipeline for it. (Only the end of a schedule may be moved.)"
    )


REFUSALS: Final[dict[str, Callable[[str], CoordinatorError]]] = {
    "PIPELINE_NOT_FOUND": _pipeline_not_found,
    "PIPELINE_DELETED": _pipeline_deleted,
    "TASK_NOT_FOUND": _task_not_found,
    "FOREIGN_GROUP": lambda _: ForeignGroupError(),
    "LEASE_LOST": _lease_lost,
    "STATUS_ALREADY_SET": _status_already_set,
    "NOT_A_PRECONDITION": _not_a_precondition,
    "TOO_MANY_FIELDS": _too_many_fields,
    "TOO_MUCH_PROGRESS": _too_much_progress,
    "NO_SUCH_INSTANCE": _no_such_instance,
    "FEWER_SHARDS": _fewer_shards,
    "NO_DEFINITION": _no_definition,
    "DEFINITION_ERRORED": _definition_errored,
    "NEVER_ACTIVATED": _never_activated,
    "TOO_MANY_RUNS": _too_many_runs,
    "TOO_MUCH_PENDING": _too_much_pending,
    "GOES_ON": _goes_on,
    "SCHEDULE_CHANGED": _schedule_changed,
    "VERSION_CHANGED": lambda _: VersionChangedError(),
    "NOT_STAGED": lambda _: NotStagedError(),
    "POLL_SUPERSEDED": lambda _: PollSupersededError(),
}


def refused(error: ScriptError) -> CoordinatorError:
    """Return the exception that says what a script refused with; other errors stay as they are."""
    refusal = REFUSALS.get(error.code)
    return error if refusal is None else refusal(error.detail)
