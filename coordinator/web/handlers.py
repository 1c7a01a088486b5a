"""The operations of the API: parse, call, format. Nothing is decided here.

A handler takes the call and its decoded request, and returns the body of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from coordinator.domain.definitions import Definition
from coordinator.service.conditions import Condition
from coordinator.wire import outputs
from coordinator.wire.codec import encode
from coordinator.wire.shapes import Tag

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from coordinator.domain.validation import Findings
    from coordinator.service.caller import Caller
    from coordinator.service.coordinator import Coordinator
    from coordinator.service.waiters import Presence
    from coordinator.wire import shapes

EMPTY = b"{}"
NOTHING = b""
DEFAULT_LIMIT = 100
_TAGS = msgspec.json.Decoder(list[Tag])


@dataclass(slots=True)
class Call:
    """One API call: whose it is, its body for telling repeats, and what to say of it."""

    caller: Caller
    operation: str
    body: bytes
    presence: Presence
    verdict: bytes = b"accepted"
    made: str = ""  # the pipeline or the task that the answer names, for the audit trail

    @property
    def answer_key(self) -> str:
        """Names the call among the answers that are kept; empty where it cannot be told."""
        return self.caller.answer_key(self.operation, self.body)


class Handlers:
    """One method for each operation."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._c = coordinator

    def table(self) -> dict[str, Callable[[Call, Any], Awaitable[bytes]]]:
        """Return the handlers by the operation's name."""
        return {
            "ActivatePipeline": self.activate_pipeline,
            "AddTags": self.add_tags,
            "CreatePipeline": self.create_pipeline,
            "DeactivatePipeline": self.deactivate_pipeline,
            "DeletePipeline": self.delete_pipeline,
            "DescribeObjects": self.describe_objects,
            "DescribePipelines": self.describe_pipelines,
            "EvaluateExpression": self.evaluate_expression,
            "GetPipelineDefinition": self.get_pipeline_definition,
            "ListPipelines": self.list_pipelines,
            "PollForTask": self.poll_for_task,
            "PutPipelineDefinition": self.put_pipeline_definition,
            "QueryObjects": self.query_objects,
            "RemoveTags": self.remove_tags,
            "ReportTaskRunnerHeartbeat": self.report_task_runner_heartbeat,
            "SetStatus": self.set_status,
            "SetTaskStatus": self.set_task_status,
            "ValidatePipelineDefinition": self.validate_pipeline_definition,
        }

    async def activate_pipeline(self, call: Call, request: shapes.ActivatePipelineInput) -> bytes:
        """Start a pipeline."""
        start = request.start_timestamp
        await self._c.activation.activate(
            call.caller.account,
            request.pipeline_id,
            request.parameter_values or (),
            call.answer_key,
            start_ms=None if start is None else int(start * 1000),
        )
        return EMPTY

    async def add_tags(self, call: Call, request: shapes.AddTagsInput) -> bytes:
        """Label a pipeline."""
        tags = {tag.key: tag.value for tag in request.tags}
        await self._c.pipelines.add_tags(call.caller.account, request.pipeline_id, tags)
        return EMPTY

    async def create_pipeline(self, call: Call, request: shapes.CreatePipelineInput) -> bytes:
        """Create a pipeline, or find it."""
        call.made = await self._c.pipelines.create(
            call.caller.account,
            request.name,
            request.unique_id,
            request.description or "",
            {tag.key: tag.value for tag in request.tags or ()},
        )
        return encode(outputs.CreatePipelineOutput(call.made))

    async def deactivate_pipeline(
        self, call: Call, request: shapes.DeactivatePipelineInput
    ) -> bytes:
        """Stop a pipeline."""
        await self._c.activation.deactivate(
            call.caller.account,
            request.pipeline_id,
            call.answer_key,
            cancel=request.cancel_active is not False,
        )
        return EMPTY

    async def delete_pipeline(self, call: Call, request: shapes.DeletePipelineInput) -> bytes:
        """Delete a pipeline."""
        await self._c.pipelines.delete(call.caller.account, request.pipeline_id, call.answer_key)
        return NOTHING

    async def describe_objects(self, call: Call, request: shapes.DescribeObjectsInput) -> bytes:
        """Describe components, instances, attempts."""
        found, marker = await self._c.objects.describe(
            call.caller.account,
            request.pipeline_id,
            request.object_ids,
            request.marker or "",
            evaluate=bool(request.evaluate_expressions),
        )
        return encode(outputs.DescribeObjectsOutput(found, bool(marker), marker or None))

    async def describe_pipelines(self, call: Call, request: shapes.DescribePipelinesInput) -> bytes:
        """Describe pipelines."""
        found = await self._c.pipelines.describe(call.caller.account, request.pipeline_ids)
        descriptions = [
            outputs.PipelineDescription(
                item.id, item.name, item.fields, _TAGS.decode(item.tags), item.description or None
            )
            for item in found
        ]
        return encode(outputs.DescribePipelinesOutput(descriptions))

    async def evaluate_expression(
        self, call: Call, request: shapes.EvaluateExpressionInput
    ) -> bytes:
        """Evaluate a text in the context of an object."""
        text = await self._c.objects.evaluate(
            call.caller.account, request.pipeline_id, request.object_id, request.expression
        )
        return encode(outputs.EvaluateExpressionOutput(text))

    async def get_pipeline_definition(
        self, call: Call, request: shapes.GetPipelineDefinitionInput
    ) -> bytes:
        """Read a definition as it was put."""
        found = await self._c.definitions.get(
            call.caller.account, request.pipeline_id, request.version or "latest"
        )
        return encode(found)

    async def list_pipelines(self, call: Call, request: shapes.ListPipelinesInput) -> bytes:
        """List a page of pipelines."""
        rows, marker = await self._c.pipelines.page(call.caller.account, request.marker or "")
        listed = [outputs.PipelineIdName(*row) for row in rows]
        return encode(outputs.ListPipelinesOutput(listed, bool(marker), marker or None))

    async def poll_for_task(self, call: Call, request: shapes.PollForTaskInput) -> bytes:
        """Hand out a task, after a wait if need be."""
        task = await self._c.tasks.poll(
            call.caller, request.worker_group, request.hostname or "", call.presence
        )
        if task is None:
            return EMPTY
        call.made = task.handle
        objects = {one.id: one for one in task.objects}
        return encode(
            outputs.PollForTaskOutput(
                outputs.TaskObject(task.handle, task.pipeline_id, task.attempt_id, objects)
            )
        )

    async def put_pipeline_definition(
        self, call: Call, request: shapes.PutPipelineDefinitionInput
    ) -> bytes:
        """Save a definition, and say what is wrong with it."""
        found = await self._c.definitions.put(
            call.caller.account, request.pipeline_id, _definition(request)
        )
        return encode(_findings(found))

    async def query_objects(self, call: Call, request: shapes.QueryObjectsInput) -> bytes:
        """Find ids by selectors."""
        selectors = (request.query and request.query.selectors) or ()
        conditions = [
            Condition(
                item.field_name or "",
                (item.operator and item.operator.type) or "EQ",
                (item.operator and item.operator.values) or (),
            )
            for item in selectors
        ]
        ids, marker = await self._c.queries.query(
            call.caller.account,
            request.pipeline_id,
            request.sphere,
            conditions,
            request.marker or "",
            request.limit or DEFAULT_LIMIT,
        )
        return encode(outputs.QueryObjectsOutput(ids, bool(marker), marker or None))

    async def remove_tags(self, call: Call, request: shapes.RemoveTagsInput) -> bytes:
        """Take labels off a pipeline."""
        await self._c.pipelines.remove_tags(
            call.caller.account, request.pipeline_id, request.tag_keys
        )
        return EMPTY

    async def report_task_runner_heartbeat(
        self, call: Call, request: shapes.ReportTaskRunnerHeartbeatInput
    ) -> bytes:
        """Remember a task runner."""
        await self._c.tasks.heartbeat(
            call.caller,
            request.taskrunner_id,
            request.worker_group or "",
            request.hostname or "",
        )
        return encode(outputs.ReportTaskRunnerHeartbeatOutput(terminate=False))

    async def set_status(self, call: Call, request: shapes.SetStatusInput) -> bytes:
        """Cancel, rerun or finish instances; pause or resume components."""
        await self._c.statuses.set_status(
            call.caller, request.pipeline_id, request.object_ids, request.status, call.answer_key
        )
        return NOTHING

    async def set_task_status(self, call: Call, request: shapes.SetTaskStatusInput) -> bytes:
        """Record a result."""
        verdict = await self._c.tasks.finish(
            call.caller,
            request.task_id,
            request.task_status,
            (request.error_id or "", request.error_message or "", request.error_stack_trace or ""),
        )
        call.verdict = verdict.encode()
        return EMPTY

    async def validate_pipeline_definition(
        self, call: Call, request: shapes.ValidatePipelineDefinitionInput
    ) -> bytes:
        """Say what is wrong with a definition, and keep nothing of it."""
        found = await self._c.definitions.validate(
            call.caller.account, request.pipeline_id, _definition(request)
        )
        return encode(_findings(found))


def _definition(
    request: shapes.PutPipelineDefinitionInput | shapes.ValidatePipelineDefinitionInput,
) -> Definition:
    return Definition(
        request.pipeline_objects,
        request.parameter_objects or (),
        request.parameter_values or (),
    )


def _findings(found: Findings) -> outputs.PutPipelineDefinitionOutput:
    return outputs.PutPipelineDefinitionOutput(
        bool(found.errors),
        [outputs.ValidationError(*item) for item in found.errors.items()],
        [outputs.ValidationWarning(*item) for item in found.warnings.items()],
    )
