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
from coordinator.domain.validation import validate
from coordinator.domain.view import DefinitionView
from coordinator.errors import (
    InvalidRequestError,
    NotStagedError,
    UnavailableError,
    VersionChangedError,
)
from coordinator.service.definitions import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coordinator.config import Settings
    from coordinator.domain.components import Component
    from coordinator.domain.definitions import ParameterObject, PipelineObject
    from coordinator.store.pipelines import Pipelines

ACTIVATION_TRIES = 5
_ENCODER = msgspec.json.Encoder()


class Plan(NamedTuple):
    """What an activated version runs."""

    components: list[Component]
    max_active: int
    definition: Definition


class Activation:
    """Use cases of ActivatePipeline and DeactivatePipeline."""

    def __init__(self, pipelines: Pipelines, settings: Settings) -> None:
        self._pipelines = pipelines
        self._settings = settings

    async def activate(
        self, account: str, pipeline_id: str, values: Sequence[ParameterValue], answer: str
    ) -> None:
        """Start the latest version, with these parameter values instead of the stored ones.

        Raises:
            InvalidRequestError: there is no definition, or it has errors; a parameter has no value;
                an expression has none; or as many runs go on as may.
            UnavailableError: others kept putting definitions.
            PipelineNotFoundError, PipelineDeletedError
        """
        if any(is_secret(value.id) and value.string_value == MASK for value in values):
            raise InvalidRequestError(f"A parameter's value is the mask {MASK}: leave it out.")
        for _ in range(ACTIVATION_TRIES):
            stored = await self._pipelines.read(account, pipeline_id)
            version = staged_name(stored.pipeline.get("version", ""), values)
            try:
                await self._pipelines.activate(account, pipeline_id, version, answer)
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

    async def _stage(
        self, account: str, pipeline_id: str, values: Sequence[ParameterValue]
    ) -> None:
        stored = await self._pipelines.living(account, pipeline_id, "latest")
        if stored.errored:
            return  # put meanwhile: the script says what is wrong with it
        plan = await asyncio.to_thread(make_plan, decode(stored), values, self._settings)
        version = Field("@version", string_value=stored.version)
        await self._pipelines.stage(
            account,
            pipeline_id,
            staged_name(stored.version, values),
            staged(plan.components, _ENCODER.encode(plan.definition), plan.max_active, version),
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
    return Plan(
        components,
        max_active_runs(DefinitionView(objects)),
        Definition(definition.pipeline_objects, definition.parameter_objects, used),
    )


def staged(
    components: Sequence[Component],
    definition: bytes = b"",
    max_active: int = 0,
    *more: Field,
) -> Iterator[tuple[str, bytes]]:
    """Yield what is stored of a version, field by field; `more` goes into each task's object."""
    for index, component in enumerate(components):
        yield f"settings:{index}", _ENCODER.encode(_settings(component))
        yield f"object:{index}", _ENCODER.encode((*component.fields, *more))
    if definition:
        yield "definition", definition
    if max_active:
        yield "max_active", b"%d" % max_active
    fields = 2 * len(components) + 2 + bool(definition) + bool(max_active)
    yield "fields", b"%d" % fields
    yield "count", b"%d" % len(components)


def _settings(component: Component) -> dict[str, object]:
    actions = {
        "fail": component.on_fail,
        "success": component.on_success,
        "late": component.on_late,
    }
    settings: dict[str, object] = {
        "id": component.id,
        "group": component.worker_group,
        "needs": component.depends_on,
        "maximum_retries": component.maximum_retries,
        "retry_delay_ms": component.retry_delay_ms,
        "attempt_timeout_ms": component.attempt_timeout_ms,
        "progress_timeout_ms": component.progress_timeout_ms,
        "cascade": component.cascade,
    }
    if any(actions.values()):
        settings["actions"] = actions
    return settings


def _check_values(
    objects: Sequence[PipelineObject],
    parameters: Sequence[ParameterObject],
    values: Sequence[ParameterValue],
) -> None:
    """Look once more at the definition, now that every parameter has its value."""
    found = validate(objects, parameters=parameters, values=values)
    for object_id, sentences in found.errors.items():
        raise InvalidRequestError(f"Object '{object_id}': {sentences[0]}")
