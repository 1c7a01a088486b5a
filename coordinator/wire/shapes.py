"""The members of each operation's request, with the limits that the API's model sets.

Attributes are the wire's names in snake_case. An optional member that is absent or null is None;
members that the model does not know are ignored.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from coordinator.domain.definitions import (  # noqa: TC001 - msgspec reads the annotations
    Field,
    ParameterObject,
    ParameterValue,
    PipelineObject,
)
from coordinator.domain.scalars import (  # noqa: TC001 - likewise
    Expression,
    Id,
    TagKey,
    TagValue,
    TaskHandle,
    Text,
)
from coordinator.wire.characters import cleaned

MAX_ERROR_TEXT = 1024
MAX_ERROR_MESSAGE = 10240

# Epoch seconds up to the year 9999, the last that the API's times can name.
EpochSeconds = Annotated[float, Meta(ge=0, le=253_402_300_799)]
PageSize = Annotated[int, Meta(ge=1, le=2**31 - 1)]
TaskStatus = Literal["FINISHED", "FAILED", "FALSE"]
OperatorType = Literal["EQ", "REF_EQ", "LE", "GE", "BETWEEN"]


class Request(Struct, rename="camel"):
    """The members of one request."""


class Tag(Struct, frozen=True, gc=False):
    """A label on a pipeline."""

    key: TagKey
    value: TagValue


TagList = Annotated[tuple[Tag, ...], Meta(max_length=10)]


class InstanceIdentity(Struct, frozen=True, gc=False):
    """Proof of being an EC2 instance: accepted and not used."""

    document: Text | None = None
    signature: Text | None = None


class Operator(Struct, frozen=True):
    """How a selector compares a field."""

    type: OperatorType | None = None
    values: tuple[Text, ...] | None = None


class Selector(Struct, frozen=True, rename="camel"):
    """One condition on one field."""

    field_name: Text | None = None
    operator: Operator | None = None


class Query(Struct, frozen=True):
    """Conditions that must all hold."""

    selectors: tuple[Selector, ...] | None = None


class ActivatePipelineInput(Request):
    """Start a pipeline."""

    pipeline_id: Id
    parameter_values: tuple[ParameterValue, ...] | None = None
    start_timestamp: EpochSeconds | None = None


class AddTagsInput(Request):
    """Label a pipeline."""

    pipeline_id: Id
    tags: TagList


class CreatePipelineInput(Request):
    """Make an empty pipeline, or find the one made by the same call before."""

    name: Id
    unique_id: Id
    description: Text | None = None
    tags: TagList | None = None


class DeactivatePipelineInput(Request):
    """Stop a pipeline; None for `cancel_active` means true."""

    pipeline_id: Id
    cancel_active: bool | None = None


class DeletePipelineInput(Request):
    """Remove a pipeline with its definition and history."""

    pipeline_id: Id


class DescribeObjectsInput(Request):
    """Read components, instances or attempts by id."""

    pipeline_id: Id
    object_ids: tuple[Id, ...]
    evaluate_expressions: bool | None = None
    marker: Text | None = None


class DescribePipelinesInput(Request):
    """Read the metadata of pipelines."""

    pipeline_ids: tuple[Id, ...]


class EvaluateExpressionInput(Request):
    """Evaluate a string in the context of an object."""

    pipeline_id: Id
    object_id: Id
    expression: Expression


class GetPipelineDefinitionInput(Request):
    """Read a definition; None for `version` means the latest."""

    pipeline_id: Id
    version: Text | None = None


class ListPipelinesInput(Request):
    """List the account's pipelines."""

    marker: Text | None = None


class PollForTaskInput(Request):
    """Ask for a task of a worker group."""

    worker_group: Text
    hostname: Id | None = None
    instance_identity: InstanceIdentity | None = None


class PutPipelineDefinitionInput(Request):
    """Replace a pipeline's definition."""

    pipeline_id: Id
    pipeline_objects: tuple[PipelineObject, ...]
    parameter_objects: tuple[ParameterObject, ...] | None = None
    parameter_values: tuple[ParameterValue, ...] | None = None


class QueryObjectsInput(Request):
    """Find the ids of a sphere's objects by their fields; None for `limit` means 100."""

    pipeline_id: Id
    sphere: Text
    query: Query | None = None
    marker: Text | None = None
    limit: PageSize | None = None


class RemoveTagsInput(Request):
    """Take labels off a pipeline."""

    pipeline_id: Id
    tag_keys: tuple[Text, ...]


class ReportTaskProgressInput(Request):
    """Acknowledge a task, or keep its lease."""

    task_id: TaskHandle
    fields: Annotated[tuple[Field, ...], Meta(max_length=50)] | None = None


class ReportTaskRunnerHeartbeatInput(Request):
    """Tell that a task runner is alive."""

    taskrunner_id: Id
    worker_group: Text | None = None
    hostname: Id | None = None


class SetStatusInput(Request):
    """Pause, resume, cancel, rerun or finish objects."""

    pipeline_id: Id
    object_ids: tuple[Id, ...]
    status: Text


class SetTaskStatusInput(Request):
    """Record the result of a task; its texts are cut and cleaned here, never a reason to refuse."""

    task_id: TaskHandle
    task_status: TaskStatus
    error_id: str | None = None
    error_message: str | None = None
    error_stack_trace: str | None = None

    def __post_init__(self) -> None:
        self.error_id = cleaned(self.error_id, MAX_ERROR_TEXT)
        self.error_message = cleaned(self.error_message, MAX_ERROR_MESSAGE)
        self.error_stack_trace = cleaned(self.error_stack_trace, MAX_ERROR_TEXT)


class ValidatePipelineDefinitionInput(Request):
    """Check a definition without keeping it."""

    pipeline_id: Id
    pipeline_objects: tuple[PipelineObject, ...]
    parameter_objects: tuple[ParameterObject, ...] | None = None
    parameter_values: tuple[ParameterValue, ...] | None = None
