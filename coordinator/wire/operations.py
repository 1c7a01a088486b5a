"""The table of the API's operations, with the request type of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from coordinator.errors import InvalidRequestError
from coordinator.wire import shapes

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `tolerant` says that half surrogate pairs in the body are replaced rather than refused:
    JavaScript sends them when it cuts a text in the middle of an emoji, and a task's result must
    not be lost so.
    """

    name: str
    input: type[msgspec.Struct]
    tolerant: bool = False
    decoder: msgspec.json.Decoder[msgspec.Struct] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decoder", msgspec.json.Decoder(self.input))


_TABLE = (
    Operation("ActivatePipeline", shapes.ActivatePipelineInput),
    Operation("AddTags", shapes.AddTagsInput),
    Operation("CreatePipeline", shapes.CreatePipelineInput),
    Operation("DeactivatePipeline", shapes.DeactivatePipelineInput),
    Operation("DeletePipeline", shapes.DeletePipelineInput),
    Operation("DescribeObjects", shapes.DescribeObjectsInput),
    Operation("DescribePipelines", shapes.DescribePipelinesInput),
    Operation("EvaluateExpression", shapes.EvaluateExpressionInput),
    Operation("GetPipelineDefinition", shapes.GetPipelineDefinitionInput),
    Operation("ListPipelines", shapes.ListPipelinesInput),
    Operation("PollForTask", shapes.PollForTaskInput),
    Operation("PutPipelineDefinition", shapes.PutPipelineDefinitionInput),
    Operation("QueryObjects", shapes.QueryObjectsInput),
    Operation("RemoveTags", shapes.RemoveTagsInput),
    Operation("ReportTaskProgress", shapes.ReportTaskProgressInput),
    Operation("ReportTaskRunnerHeartbeat", shapes.ReportTaskRunnerHeartbeatInput),
    Operation("SetStatus", shapes.SetStatusInput),
    Operation("SetTaskStatus", shapes.SetTaskStatusInput, tolerant=True),
    Operation("ValidatePipelineDefinition", shapes.ValidatePipelineDefinitionInput),
)
OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType({op.name: op for op in _TABLE})


def operation_named(name: str) -> Operation:
    """The operation of this name.

    Raises:
        InvalidRequestError: the API has no such operation.
    """
    operation = OPERATIONS.get(name)
    if operation is None:
        raise InvalidRequestError(f"The API has no operation named {name[:64]!r}.")
    return operation
