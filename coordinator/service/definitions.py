"""Definitions: stored as they were given, checked, and read back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from coordinator.domain.checks import check_fatal
from coordinator.domain.definitions import Definition
from coordinator.domain.secrets import has_mask, masked_definition, restored
from coordinator.domain.validation import validate
from coordinator.errors import InvalidRequestError, UnavailableError, VersionChangedError
from coordinator.service.sites import site_of

if TYPE_CHECKING:
    from coordinator.config import Settings
    from coordinator.domain.site_rules import Site
    from coordinator.domain.validation import Findings
    from coordinator.store.pipelines import Pipelines, StoredDefinition

VERSIONS = ("latest", "active")
PUT_TRIES = 5
_DECODER = msgspec.json.Decoder(Definition)
_ENCODER = msgspec.json.Encoder()


class Definitions:
    """Use cases around a pipeline's definition."""

    def __init__(self, pipelines: Pipelines, settings: Settings) -> None:
        self._pipelines = pipelines
        self._settings = settings

    async def put(self, account: str, pipeline_id: str, given: Definition) -> Findings:
        """Save a definition, and say what is wrong with it.

        Raises:
            InvalidRequestError: it cannot even be stored.
            UnavailableError: others kept putting theirs.
            PipelineNotFoundError, PipelineDeletedError
        """
        for _ in range(PUT_TRIES):
            latest = await self._pipelines.living(account, pipeline_id, "latest")
            whole, findings = await self._checked(account, pipeline_id, latest, given)
            masks = await asyncio.to_thread(has_mask, given)
            try:
                await self._pipelines.put(
                    account,
                    pipeline_id,
                    _ENCODER.encode(whole),
                    errored=bool(findings.errors),
                    based_on=(latest.version or "0") if masks else "",
                )
            except VersionChangedError:
                continue
            return findings
        raise UnavailableError("The definition kept changing meanwhile: repeat the call.")

    async def validate(self, account: str, pipeline_id: str, given: Definition) -> Findings:
        """Say what is wrong with a definition, and keep nothing of it.

        Raises:
            InvalidRequestError: it could not even be stored.
            PipelineNotFoundError, PipelineDeletedError
        """
        latest = await self._pipelines.living(account, pipeline_id, "latest")
        return (await self._checked(account, pipeline_id, latest, given))[1]

    async def get(self, account: str, pipeline_id: str, version: str) -> Definition:
        """Read a definition back, secrets masked; `version` is latest or active.

        Raises:
            InvalidRequestError: another version.
            PipelineNotFoundError, PipelineDeletedError
        """
        if version not in VERSIONS:
            raise InvalidRequestError("Member 'version' must be 'latest' or 'active'.")
        stored = await self._pipelines.living(account, pipeline_id, version)
        return await asyncio.to_thread(lambda: masked_definition(decode(stored)))

    async def _checked(
        self, account: str, pipeline_id: str, latest: StoredDefinition, given: Definition
    ) -> tuple[Definition, Findings]:
        """Return the definition with what its masks stand for, and what is wrong with it."""
        active = None
        if latest.pipeline.get("activated_ms"):
            active = await self._pipelines.living(account, pipeline_id, "active")
        # Ten thousand objects take a second: other callers must not wait for that.
        return await asyncio.to_thread(_check, given, latest, active, site_of(self._settings))


def _check(
    given: Definition, latest: StoredDefinition, active: StoredDefinition | None, site: Site
) -> tuple[Definition, Findings]:
    check_fatal(given.pipeline_objects)
    whole = restored(given, decode(latest))
    findings = validate(
        whole.pipeline_objects,
        parameters=whole.parameter_objects,
        values=whole.parameter_values,
        active=None if active is None else decode(active).pipeline_objects,
        site=site,
    )
    return whole, findings


def decode(stored: StoredDefinition) -> Definition:
    """Read the stored form; a pipeline without a definition has an empty one."""
    return _DECODER.decode(stored.definition) if stored.definition else Definition()
