"""A poll whose claimed task goes before it is handed out."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from coordinator.config import load
from coordinator.domain.evaluation import FieldError
from coordinator.domain.expressions import ExpressionError
from coordinator.domain.ids import new_pipeline_id
from coordinator.errors import PipelineDeletedError, PipelineNotFoundError, TaskNotFoundError
from coordinator.metrics import Metrics
from coordinator.service.caller import Caller
from coordinator.service.tasks import TaskService
from coordinator.store.tasks import Claimed

GONE = PipelineNotFoundError("gone")
WRONG = FieldError("A", "command", ExpressionError("no value", 1))


def claimed():
    """A task of a pipeline."""
    return Claimed(
        *(
            new_pipeline_id(0),
            1,
            1,
            "0" * 32,
            "7",
            -1,
            False,
            0,
            b"[]",
            "@A_t",
            "A",
            0,
            0,
            0,
            "1",
            0,
        ),
        checkpoint={},
        again=False,
    )


def service(context_error, finish):
    """A service whose first claim cannot be made into a task; there is no second claim."""
    claims = [claimed(), None]

    async def poll(*_args: Any) -> Claimed | None:
        return claims.pop(0)

    async def object_of(*_args: Any) -> None:
        raise context_error

    async def finished(*_args: Any, **_more: Any) -> str:
        if isinstance(finish, Exception):
            raise finish
        return finish

    parts: Any = (
        SimpleNamespace(finish=finished),
        SimpleNamespace(poll=poll),
        SimpleNamespace(object_of=object_of),
        SimpleNamespace(note=lambda *_args: None),
        None,
    )
    return TaskService(*parts, load(), Metrics())


@pytest.mark.parametrize(
    ("context_error", "finish", "failed"),
    [
        (GONE, "failed", 0),
        (WRONG, "failed", 1),
        (WRONG, "canceled", 0),
        (WRONG, PipelineDeletedError("gone"), 0),
        (WRONG, PipelineNotFoundError("gone"), 0),
        (WRONG, TaskNotFoundError("taken"), 0),
    ],
    ids=range(6),
)
def test_the_poll_goes_on(context_error, finish, failed):
    """PollForTask has no error for it, and the runner did nothing wrong."""
    tasks = service(context_error, finish)
    presence: Any = None
    assert asyncio.run(tasks.poll(Caller("local"), "g", "h", presence)) is None
    assert tasks._metrics.failed == failed
