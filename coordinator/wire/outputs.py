"""The members of each available operation's answer, as the API's model names them.

A member that is None is left out; required members are always sent. DeletePipeline and SetStatus
have no answer, ActivatePipeline and SetTaskStatus an empty object.
"""

from __future__ import annotations

from msgspec import Struct

from coordinator.domain.definitions import (  # noqa: TC001 - msgspec reads the annotations
    Field,
    ParameterObject,
    ParameterValue,
    PipelineObject,
)
from coordinator.wire.shapes import Tag  # noqa: TC001 - likewise


class Answer(Struct, omit_defaults=True, rename="camel"):
    """The members of one answer."""


class EmptyOutput(Answer):
    """Nothing to say but that it is done."""


class CreatePipelineOutput(Answer):
    """The new pipeline, or the one that the same call made before."""

    pipeline_id: str


class DescribeObjectsOutput(Answer):
    """A page of objects; the last page has no marker."""

    pipeline_objects: list[PipelineObject]
    has_more_results: bool
    marker: str | None = None


class PipelineDescription(Answer):
    """The metadata of one pipeline."""

    pipeline_id: str
    name: str
    fields: list[Field]
    tags: list[Tag]
    description: str | None = None


class DescribePipelinesOutput(Answer):
    """One description per pipeline asked for."""

    pipeline_description_list: list[PipelineDescription]


class EvaluateExpressionOutput(Answer):
    """The text with its expressions evaluated."""

    evaluated_expression: str


class GetPipelineDefinitionOutput(Answer):
    """A definition as it was put."""

    pipeline_objects: list[PipelineObject]
    parameter_objects: list[ParameterObject]
    parameter_values: list[ParameterValue]


class PipelineIdName(Answer):
    """A pipeline's id and name."""

    id: str
    name: str


class ListPipelinesOutput(Answer):
    """A page of pipelines; the last page has no marker."""

    pipeline_id_list: list[PipelineIdName]
    has_more_results: bool
    marker: str | None = None


class TaskObject(Answer):
    """A task and the lease on it; `objects` by id."""

    task_id: str
    pipeline_id: str
    attempt_id: str
    objects: dict[str, PipelineObject]


class PollForTaskOutput(Answer):
    """A task, or nothing: the empty object."""

    task_object: TaskObject | None = None


class ValidationError(Answer):
    """Why a definition cannot be activated, for one object."""

    id: str
    errors: list[str]


class ValidationWarning(Answer):
    """What looks wrong in a definition, for one object."""

    id: str
    warnings: list[str]


class PutPipelineDefinitionOutput(Answer):
    """What was found in the definition that was stored."""

    errored: bool
    validation_errors: list[ValidationError]
    validation_warnings: list[ValidationWarning]


class QueryObjectsOutput(Answer):
    """A page of ids; the last page has no marker."""

    ids: list[str]
    has_more_results: bool
    marker: str | None = None


class ReportTaskProgressOutput(Answer):
    """Whether the runner must stop; `reason` goes beyond the API and clients drop it."""

    canceled: bool
    reason: str | None = None


class ReportTaskRunnerHeartbeatOutput(Answer):
    """Whether the runner must end."""

    terminate: bool
