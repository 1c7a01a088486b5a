"""The four calls of a task runner, by boto3."""

from __future__ import annotations

import contextlib
import importlib
import os
from typing import TYPE_CHECKING, Any

from coordinator.runner import aws
from coordinator.runner import task as tasks
from coordinator.runner.errors import (
    BadOptionError,
    CallError,
    LeaseLostError,
    MissingExtraError,
    RefusedError,
)
from coordinator.runner.outcome import on_the_wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coordinator.runner.options import RunnerOptions
    from coordinator.runner.outcome import Outcome
    from coordinator.runner.task import Task

LOST = {"TaskNotFoundException", "PipelineNotFoundException", "PipelineDeletedException"}
FOR_GOOD = {"InvalidRequestException", "ValidationException"}
HINTS = {  # where a runner has from what is missing
    "MissingAuthenticationToken": " A runner takes it from AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or --profile.",
    "SSLError": " AWS_CA_BUNDLE names a file of authorities to trust.",
}


class Api:
    """The coordinator, as one runner process sees it; every method may be called from any thread.

    Polls wait up to 100 s, and are repeated by botocore under the same invocation id, so that a
    coordinator can give the answer that was lost once more. The other calls have short time-outs
    and no repeats in botocore: their callers know how long repeating makes sense. Requests are
    signed with the options' profile, else if the environment has credentials (AWS_ACCESS_KEY_ID or
    AWS_PROFILE).

    Raises:
        MissingExtraError: boto3 is not installed.
        BadOptionError: boto3 does not take the endpoint, the region or the profile.
    """

    def __init__(self, options: RunnerOptions, identity: str) -> None:
        self._identity = identity
        self._worker_group = options.worker_group
        self._long = _client(options, read_timeout=100, attempts=3)
        self._short = _client(options, read_timeout=10, attempts=1)
        # Not imported above: it needs boto3.
        interruptible = importlib.import_module("coordinator.runner.interruptible")
        self._polls = interruptible.Connections(self._long)

    def poll(self) -> Task | None:
        """Wait for a task; None if there was none for a while."""
        with _errors():
            return tasks.from_wire(
                self._long.poll_for_task(workerGroup=self._worker_group, hostname=self._identity)
            )

    def stop_polling(self) -> None:
        """Break off the polls in flight: no task is handed out to this runner any more."""
        self._polls.break_off()

    def report(self, handle: str, fields: Mapping[str, str] | None = None) -> bool:
        """Report progress; return whether the lease goes on (False: canceled or taken away)."""
        more = {"fields": [_field(*item) for item in fields.items()]} if fields else {}
        with _errors():
            return not self._short.report_task_progress(taskId=handle, **more)["canceled"]

    def finish(self, handle: str, outcome: Outcome) -> None:
        """Set the status of a task."""
        with _errors():
            self._short.set_task_status(taskId=handle, **outcome.wire())

    def heartbeat(self) -> bool:
        """Say that this runner lives; return whether it shall terminate."""
        with _errors():
            answer = self._short.report_task_runner_heartbeat(
                taskrunnerId=self._identity,
                workerGroup=self._worker_group,
                hostname=self._identity,
            )
            return bool(answer["terminate"])


def _client(options: RunnerOptions, read_timeout: int, attempts: int) -> Any:
    try:
        boto3, botocore = importlib.import_module("boto3"), importlib.import_module("botocore")
        config = importlib.import_module("botocore.config").Config(
            read_timeout=read_timeout,
            connect_timeout=5,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=2 * options.tasks + 1,
            tcp_keepalive=True,
            **({} if _signs(options, os.environ) else {"signature_version": botocore.UNSIGNED}),
        )
    except ImportError as error:
        raise MissingExtraError from error
    try:
        return boto3.Session(profile_name=options.profile).client(
            "datapipeline",
            endpoint_url=options.endpoint,
            region_name=options.region,
            config=config,
        )
    except Exception as error:
        hint = "" if "://" in options.endpoint else f" (--endpoint http://{options.endpoint}?)"
        raise BadOptionError(f"The runner cannot be set up: {error}{hint}") from error


def _field(key: str, value: str) -> dict[str, str]:
    return {"key": on_the_wire(key), "stringValue": on_the_wire(value)}


def _signs(options: RunnerOptions, environment: Mapping[str, str]) -> bool:
    named = options.profile or environment.get("AWS_PROFILE")
    return bool(named or environment.get("AWS_ACCESS_KEY_ID"))


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn whatever a call raises into our own errors."""
    try:
        yield
    except Exception as error:
        raise _of(error) from error  # an odd answer can make botocore raise just about anything


def _of(error: Exception) -> CallError:
    code = aws.code_of(error)
    kind = LeaseLostError if code in LOST else RefusedError if code in FOR_GOOD else CallError
    hint = HINTS.get(code or type(error).__name__, "")
    return kind(f"{aws.words_of(error)}{hint}")
