"""Activation: parameters get their values, and what a version runs is stored before it starts."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from coordinator.domain.components import compile_components
from coordinator.domain.concurrency import max_active_runs
from coordinator.domain.definitions import Definition, Field, ParameterValue
from coordinator.domain.evaluation import (
    DEFINITION_STEPS,
    Context,
    FieldError,
    with_control_values,
)
from coordinator.domain.expressions import Budget
from coordinator.domain.parameters import resolve, texts_of
from coordinator.domain.secrets import MASK, is_secret
from coordinator.domain.site_rules import REFUSE, check_backfill
from coordinator.domain.timetable import compile_schedules
from coordinator.domain.validation import validate
from coordinator.domain.view import DefinitionView
from coordinator.errors import (
    InvalidRequestError,
    NotStagedError,
    UnavailableError,
    VersionChangedError,
)
from coordinator.service.definitions import decode
from coordinator.service.sites import site_of
from coordinator.service.staging import staged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.config import Settings
    from coordinator.domain.components import Component
    from coordinator.domain.definitions import ParameterObject, PipelineObject
    from coordinator.domain.schedules import Schedule
    from coordinator.store.pipelines import Pipelines, StoredDefinition

__all__ = ["Activation", "Plan", "make_plan", "staged", "staged_name"]
ACTIVATION_TRIES = 5
_ENCODER = msgspec.json.Encoder()


class Plan(NamedTuple):
    """What an activated version runs; without schedules it runs on demand."""

    components: list[Component]
    max_active: int
    definition: Definition
    schedules: list[Schedule]


class Activation:
    """Use cases of ActivatePipeline and DeactivatePipeline."""

    def __init__(self, pipelines: Pipelines, settings: Settings) -> None:
        self._pipelines = pipelines
        self._settings = settings

    async def activate(
        self,
        account: str,
        pipeline_id: str,
        values: Sequence[ParameterValue],
        answer: str,
        *,
        start_ms: int | None = None,
    ) -> None:
        """Start the latest version, with these parameter values instead of the stored ones.

        Its schedules go on where they were, or from `start_ms` on.

        Raises:
            InvalidRequestError: there is no definition, or it has errors; a parameter has no value;
                an expression has none; as many runs go on as may; a `start_ms` is given on demand;
                or the guard against backfills refuses.
            TooMuchPendingError: the account has no room for the instances of another run.
            UnavailableError: others kept putting definitions.
            PipelineNotFoundError, PipelineDeletedError
        """
        if any(is_secret(value.id) and value.string_value == MASK for value in values):
            raise InvalidRequestError(f"A parameter's value is the mask {MASK}: leave it out.")
        for _ in range(ACTIVATION_TRIES):
            stored = await self._pipelines.read(account, pipeline_id)
            version = staged_name(stored.pipeline.get("version", ""), values)
            first = not stored.pipeline.get("activated_ms")
            if start_ms is not None or (first and self._settings.backfill_guard == REFUSE):
                await self._check_start(account, pipeline_id, values, start_ms, first=first)
            try:
                await self._pipelines.activate(
                    account, pipeline_id, version, answer, start_ms=start_ms
                )
            except NotStagedError:
                await self._stage(account, pipeline_id, values)
            except VersionChangedError:
                continue
            else:
                return
        raise UnavailableError("The definition kept changing meanwhile: repeat the call.")

    async def deactivate(
        self, account: str, pipeline_id: str, answer: str, *, cancel: bool
    ) -> None:
        """Stop a pipeline: cancel what has not ended, or keep what waits and let the rest end.

        Raises:
            InvalidRequestError: it was never activated.
            PipelineNotFoundError, PipelineDeletedError
        """
        await self._pipelines.deactivate(account, pipeline_id, answer, cancel=cancel)

    async def _check_start(
        self,
        account: str,
        pipeline_id: str,
        values: Sequence[ParameterValue],
        start_ms: int | None,
        *,
        first: bool,
    ) -> None:
        """Refuse a start that the script cannot judge; what else is wrong is told by the rest."""
        stored = await self._pipelines.read(account, pipeline_id, "latest")
        try:
            plan = await self._plan(stored, values)
        except InvalidRequestError:
            return
        if plan and start_ms is not None and not plan.schedules:
            raise InvalidRequestError(
                "Member 'startTimestamp' is for pipelines with a schedule: this one runs on demand."
            )
        if plan and first:
            check_backfill(plan.schedules, site_of(self._settings), start_ms)

    async def _plan(
        self, stored: StoredDefinition, values: Sequence[ParameterValue]
    ) -> Plan | None:
        """Return what a definition runs; nothing if it has errors: the script says so."""
        if stored.errored or not stored.definition:
            return None
        return await asyncio.to_thread(make_plan, decode(stored), values, self._settings)

    async def _stage(
        self, account: str, pipeline_id: str, values: Sequence[ParameterValue]
    ) -> None:
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        plan = await self._plan(stored, values)
        if plan is None:
            return
        version = Field("@version", string_value=stored.version)
        await self._pipelines.stage(
            account,
            pipeline_id,
            staged_name(stored.version, values),
            staged(
                plan.components,
                _ENCODER.encode(plan.definition),
                0 if plan.schedules else plan.max_active,
                version,
                schedules=plan.schedules,
            ),
        )


def staged_name(version: str, values: Sequence[ParameterValue]) -> str:
    """Name what a version runs: other values of its parameters make it run something else."""
    if not values:
        return version
    return f"{version}-{sha256(_ENCODER.encode(values)).hexdigest()[:16]}"


def make_plan(definition: Definition, values: Sequence[ParameterValue], settings: Settings) -> Plan:
    """Work out what a definition without errors runs with these values.

    Raises:
        InvalidRequestError: a parameter or an expression has no value, or one that will not do;
            there is no activity.
    """
    resolved = resolve(definition.parameter_objects, definition.parameter_values, values)
    view = DefinitionView(definition.pipeline_objects)
    context = Context(view.inherited, texts_of(definition.parameter_objects, resolved))
    work = Budget(DEFINITION_STEPS)
    try:
        objects = with_control_values(view, context, work)
    except FieldError as error:
        raise InvalidRequestError(str(error)) from error
    used = tuple(ParameterValue(name, text) for name, texts in resolved.items() for text in texts)
    _check_values(objects, definition.parameter_objects, used)
    components = compile_components(
        objects,
        maximum_retries=settings.maximum_retries,
        retry_delay_ms=int(settings.retry_delay * 1000),
        resource_groups=settings.resource_groups,
        cascade=settings.failure_mode == "cascade",
    )
    if not components:
        raise InvalidRequestError("The definition has no activity: there is nothing to run.")
    final = DefinitionView(objects)
    return Plan(
        components,
        max_active_runs(final),
        Definition(definition.pipeline_objects, definition.parameter_objects, used),
        compile_schedules(final, components, settings.active_intervals),
    )


def _check_values(
    objects: Sequence[PipelineObject],
    parameters: Sequence[ParameterObject],
    values: Sequence[ParameterValue],
) -> None:
    """Look once more at the definition, now that every parameter has its value."""
    found = validate(objects, parameters=parameters, values=values)
    for object_id, sentences in found.errors.items():
        raise InvalidRequestError(f"Object '{object_id}': {sentences[0]}")
