"""Where an activation starts: what is refused before anything is stored, and what is passed on."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import pytest
from definitions import activity, thing

from coordinator.config import load
from coordinator.domain.definitions import Definition
from coordinator.domain.times import iso
from coordinator.errors import InvalidRequestError, NotStagedError
from coordinator.service.activation import Activation
from coordinator.store.pipelines import StoredDefinition

DAY = 86_400
LONG_AGO = "2020-01-01T00:00:00"


def scheduled(start):
    """A definition whose activity runs each day from this start on."""
    every_day = thing("s", "Schedule", period="1 day", startDateTime=start)
    return Definition((every_day, activity("a", schedule="s")))


ON_DEMAND = Definition((activity("a"),))


class Pipelines:
    """One pipeline whose latest definition is not staged."""

    def __init__(
        self, definition: Definition, *, activated: bool = False, errored: bool = False
    ) -> None:
        record = {"version": "1"} | ({"activated_ms": "1"} if activated else {})
        stored = msgspec.json.encode(definition)
        self.stored = StoredDefinition(record, stored, "1", errored, 0)
        self.staged: dict[str, bytes] = {}
        self.starts: list[int | None] = []

    async def read(self, *_args: Any) -> StoredDefinition:
        """Return it."""
        return self.stored

    living = read

    async def stage(self, *args: Any) -> None:
        """Keep what it runs."""
        self.staged = dict(args[-1])

    async def activate(self, *_args: Any, start_ms: int | None) -> None:
        """Note the start, once what is run is there."""
        if not self.staged and not self.stored.errored:
            raise NotStagedError
        self.starts.append(start_ms)


def activate(pipelines: Any, start_ms: int | None = None, **settings: Any) -> None:
    """Activate the pipeline."""
    service = Activation(pipelines, load(**settings))
    asyncio.run(service.activate("local", "df-1", (), "", start_ms=start_ms))


def ago(days: float) -> int:
    """Return when that was, in ms."""
    return int((time.time() - days * DAY) * 1000)


@pytest.mark.parametrize("start_ms", [None, 0, 1500])
def test_the_start_is_passed_on(start_ms):
    """To the millisecond; the beginning of time is one."""
    pipelines = Pipelines(scheduled(LONG_AGO))
    activate(pipelines, start_ms)
    assert pipelines.starts == [start_ms]
    assert "schedules" in pipelines.staged


@pytest.mark.parametrize("activated", [False, True])
def test_a_start_is_refused_on_demand(activated):
    """Before anything is stored."""
    pipelines = Pipelines(ON_DEMAND, activated=activated)
    with pytest.raises(InvalidRequestError, match="this one runs on demand"):
        activate(pipelines, 0)
    assert (pipelines.starts, pipelines.staged) == ([], {})
    activate(pipelines)
    assert pipelines.starts == [None]


@pytest.mark.parametrize(
    ("definition", "activated", "days_ago", "guard", "refused"),
    [
        (scheduled(LONG_AGO), False, None, "refuse", True),
        (scheduled(LONG_AGO), False, None, "warn", False),
        (scheduled(LONG_AGO), False, None, "off", False),
        (scheduled(LONG_AGO), True, None, "refuse", False),
        (scheduled(LONG_AGO), False, 0.5, "refuse", False),
        (scheduled(LONG_AGO), False, 1.5, "refuse", True),
        (scheduled(iso(ago(0.5))), False, None, "refuse", False),
        (ON_DEMAND, False, None, "refuse", False),
    ],
)
def test_the_guard_looks_at_first_activations(definition, activated, days_ago, guard, refused):
    """One that is refused leaves nothing staged, so that the next is looked at too."""
    start_ms = None if days_ago is None else ago(days_ago)
    pipelines = Pipelines(definition, activated=activated)
    for _ in range(2):
        if refused:
            with pytest.raises(InvalidRequestError, match="BACKFILL_GUARD is refuse"):
                activate(pipelines, start_ms, backfill_guard=guard)
        else:
            activate(pipelines, start_ms, backfill_guard=guard)
    assert pipelines.starts == ([] if refused else [start_ms] * 2)
    assert not (refused and pipelines.staged)


def test_what_was_staged_is_looked_at_too():
    """A version that was prepared before the guard refused is no way around it."""
    pipelines = Pipelines(scheduled(LONG_AGO))
    pipelines.staged = {"count": b"1"}
    with pytest.raises(InvalidRequestError, match="BACKFILL_GUARD is refuse"):
        activate(pipelines, backfill_guard="refuse")
    assert pipelines.starts == []


def test_what_else_is_wrong_is_told_by_the_rest():
    """The script says that there are errors, and staging that there is nothing to run."""
    errored = Pipelines(scheduled(LONG_AGO), errored=True)
    activate(errored, 0, backfill_guard="refuse")
    assert errored.starts == [0]
    with pytest.raises(InvalidRequestError, match="no activity"):
        activate(Pipelines(Definition((thing("Default"),))), 0)
