"""Definitions: stored as they were given, checked, compiled, activated."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from coordinator.domain.checks import check_fatal
from coordinator.domain.components import compile_components
from coordinator.domain.definitions import (
    Field,
    ParameterObject,
    ParameterValue,
    PipelineObject,
)
from coordinator.domain.validation import validate
from coordinator.errors import InvalidRequestError, NotStagedError, VersionChangedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.config import Settings
    from coordinator.domain.components import Component
    from coordinator.domain.validation import Findings
    from coordinator.store.pipelines import Pipelines, StoredDefinition

VERSIONS = ("latest", "active")
ACTIVATION_TRIES = 5


class Definition(msgspec.Struct, rename="camel"):
    """A pipeline definition as it is stored: exactly what was given."""

    pipeline_objects: tuple[PipelineObject, ...] = ()
    parameter_objects: tuple[ParameterObject, ...] = ()
    parameter_values: tuple[ParameterValue, ...] = ()


_DECODER = msgspec.json.Decoder(Definition)
_ENCODER = msgspec.json.Encoder()


class Definitions:
    """Use cases around a pipeline's definition."""

    def __init__(self, pipelines: Pipelines, settings: Settings) -> None:
        self._pipelines = pipelines
        self._settings = settings

    async def put(self, account: str, pipeline_id: str, definition: Definition) -> Findings:
        """Save a definition, and say what is wrong with it.

        Raises:
            InvalidRequestError: it cannot even be stored.
            PipelineNotFoundError, PipelineDeletedError
        """
        check_fatal(definition.pipeline_objects)
        # Ten thousand objects take half a second: other callers must not wait for that.
        findings = await asyncio.to_thread(validate, definition.pipeline_objects)
        await self._pipelines.put(
            account, pipeline_id, _ENCODER.encode(definition), errored=bool(findings.errors)
        )
        return findings

    async def get(self, account: str, pipeline_id: str, version: str) -> Definition:
        """Read a definition back; `version` is latest or active.

        Raises:
            InvalidRequestError: another version.
            PipelineNotFoundError, PipelineDeletedError
        """
        if version not in VERSIONS:
            raise InvalidRequestError("Member 'version' must be 'latest' or 'active'.")
        return decode(await self._pipelines.living(account, pipeline_id, version))

    async def activate(self, account: str, pipeline_id: str, answer: str) -> None:
        """Start the latest version: an instance of each of its components.

        Raises:
            InvalidRequestError: there is no definition, or it has errors.
            PipelineNotFoundError, PipelineDeletedError
        """
        for _ in range(ACTIVATION_TRIES):
            version = (await self._pipelines.read(account, pipeline_id)).pipeline.get("version", "")
            try:
                await self._pipelines.activate(account, pipeline_id, version, answer)
            except NotStagedError:
                await self._stage(account, pipeline_id)
            except VersionChangedError:
                continue
            else:
                return
        raise InvalidRequestError("The definition kept changing while it was being activated.")

    async def _stage(self, account: str, pipeline_id: str) -> None:
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        if stored.errored:
            return  # put meanwhile: the script says what is wrong with it
        components = await asyncio.to_thread(
            compile_components,
            decode(stored).pipeline_objects,
            maximum_retries=self._settings.maximum_retries,
            retry_delay_ms=int(self._settings.retry_delay * 1000),
            resource_groups=self._settings.resource_groups,
        )
        if not components:
            raise InvalidRequestError("The definition has no activity: there is nothing to run.")
        version = Field("@version", string_value=stored.version)
        numbered = [replace(item, fields=(*item.fields, version)) for item in components]
        await self._pipelines.stage(account, pipeline_id, stored.version, _staged(numbered))


def decode(stored: StoredDefinition) -> Definition:
    """Read the stored form; a pipeline without a definition has an empty one."""
    return _DECODER.decode(stored.definition) if stored.definition else Definition()


def _staged(
    components: list[Component], definition: bytes = b"", max_active: int = 0
) -> Iterator[tuple[str, bytes]]:
    for index, component in enumerate(components):
        settings = {
            "id": component.id,
            "group": component.worker_group,
            "needs": component.depends_on,
            "maximum_retries": component.maximum_retries,
            "retry_delay_ms": component.retry_delay_ms,
            "attempt_timeout_ms": component.attempt_timeout_ms,
            "progress_timeout_ms": component.progress_timeout_ms,
        }
        yield f"settings:{index}", _ENCODER.encode(settings)
        yield f"object:{index}", _ENCODER.encode(component.fields)
    if definition:
        yield "definition", definition
    if max_active:
        yield "max_active", b"%d" % max_active
    fields = 2 * len(components) + 2 + bool(definition) + bool(max_active)
    yield "fields", b"%d" % fields
    yield "count", b"%d" % len(components)
