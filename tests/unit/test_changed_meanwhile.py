"""Calls that others were quicker than, again and again: an error that SDKs repeat."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from definitions import thing

from coordinator.config import load
from coordinator.domain.definitions import Definition
from coordinator.errors import UnavailableError, VersionChangedError
from coordinator.service.activation import Activation
from coordinator.service.definitions import Definitions
from coordinator.service.pipelines import PipelineService
from coordinator.store.pipelines import StoredDefinition

STORED = StoredDefinition({"tags": "[]", "version": "1"}, b"", "1", False, 0)


class Restless:
    """Pipelines that somebody else has always just changed."""

    async def living(self, *_args: Any) -> StoredDefinition:
        """Return what is there for a moment."""
        return STORED

    read = living

    async def set_tags(self, *_args: Any) -> bool:
        """Say that they have changed."""
        return False

    async def put(self, *_args: Any, **_more: Any) -> None:
        """Say that it has changed."""
        raise VersionChangedError

    activate = put


def calls(pipelines: Any) -> list[Any]:
    """Each call that takes back what it worked out if it was too late."""
    services = PipelineService(pipelines, pipelines), Definitions(pipelines, load())
    return [
        services[0].add_tags("local", "df-1", {"a": "b"}),
        services[0].remove_tags("local", "df-1", ["a"]),
        services[1].put("local", "df-1", Definition((thing("a"),))),
        Activation(pipelines, load()).activate("local", "df-1", (), ""),
    ]


def test_the_caller_is_told_to_repeat():
    """It did nothing wrong, so InvalidRequestException would be a lie, and final."""
    for call in calls(Restless()):
        with pytest.raises(UnavailableError, match="repeat the call"):
            asyncio.run(call)
