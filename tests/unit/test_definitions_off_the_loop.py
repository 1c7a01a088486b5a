"""What takes long for large definitions is not done on the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from definitions import activity, thing

from coordinator.config import load
from coordinator.domain.definitions import Definition
from coordinator.service import definitions
from coordinator.service.definitions import Definitions
from coordinator.store.pipelines import StoredDefinition

STORED = StoredDefinition({"version": "1", "activated_ms": "1"}, b"", "1", False, 0)
GIVEN = Definition((thing("Default"), activity("a")))


class Pipelines:
    """One pipeline, which was activated."""

    async def living(self, *_args: Any) -> StoredDefinition:
        """Return it."""
        return STORED

    async def put(self, *_args: Any, **_more: Any) -> None:
        """Forget what is put."""


@pytest.mark.parametrize(
    "name", ["check_fatal", "restored", "validate", "decode", "has_mask", "masked_definition"]
)
def test_long_work_is_done_in_a_thread(monkeypatch, name):
    """Each step looks at every field: with 16 MB of them others would wait for it."""
    work, threads = getattr(definitions, name), []

    def noted(*args: Any, **more: Any) -> Any:
        threads.append(threading.current_thread())
        return work(*args, **more)

    async def calls() -> None:
        pipelines: Any = Pipelines()
        service = Definitions(pipelines, load())
        await service.put("local", "df-1", GIVEN)
        await service.validate("local", "df-1", GIVEN)
        await service.get("local", "df-1", "latest")

    monkeypatch.setattr(definitions, name, noted)
    asyncio.run(calls())
    assert threads
    assert threading.main_thread() not in threads
