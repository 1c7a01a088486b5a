"""``GET /openapi.json``: each operation under ``/#X-Amz-Target=DataPipeline.<Name>``.

The schemas are made from the types that decode requests and encode answers, so that they cannot say
anything else.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from coordinator import __version__
from coordinator.web.replies import NOT_ALLOWED, TOO_LARGE
from coordinator.wire import outputs
from coordinator.wire.faults import FAULTS, INTERNAL
from coordinator.wire.operations import OPERATIONS
from coordinator.wire.targets import CONTENT_TYPE, TARGET_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

REF = "#/components/schemas/{name}"
# What each operation answers; None: an empty body.
OUTPUTS: Final[Mapping[str, type[msgspec.Struct] | None]] = MappingProxyType(
    {
        "ActivatePipeline": outputs.EmptyOutput,
        "AddTags": outputs.EmptyOutput,
        "CreatePipeline": outputs.CreatePipelineOutput,
        "DeactivatePipeline": outputs.EmptyOutput,
        "DeletePipeline": None,
        "DescribeObjects": outputs.DescribeObjectsOutput,
        "DescribePipelines": outputs.DescribePipelinesOutput,
        "EvaluateExpression": outputs.EvaluateExpressionOutput,
        "GetPipelineDefinition": outputs.GetPipelineDefinitionOutput,
        "ListPipelines": outputs.ListPipelinesOutput,
        "PollForTask": outputs.PollForTaskOutput,
        "PutPipelineDefinition": outputs.PutPipelineDefinitionOutput,
        "QueryObjects": outputs.QueryObjectsOutput,
        "RemoveTags": outputs.EmptyOutput,
        "ReportTaskProgress": outputs.ReportTaskProgressOutput,
        "ReportTaskRunnerHeartbeat": outputs.ReportTaskRunnerHeartbeatOutput,
        "SetStatus": None,
        "SetTaskStatus": outputs.EmptyOutput,
        "ValidatePipelineDefinition": outputs.PutPipelineDefinitionOutput,
    }
)
SIGNED = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "AWS Signature Version 4 for the service datapipeline, where calls are signed.",
    "x-amazon-apigateway-authtype": "awsSigv4",
}
REQUEST_ID = {"description": "Names the request.", "schema": {"type": "string"}}
REFUSALS = {
    "400": "The request is refused",
    "403": "The request is not signed",
    str(NOT_ALLOWED): "Another method than POST",
    str(TOO_LARGE): "The body is larger than COORDINATOR_MAX_BODY",
    "500": "Repeat the request",
}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    inputs = [operation.input for operation in OPERATIONS.values()]
    answers = list({answer for answer in OUTPUTS.values() if answer is not None})
    types: list[type[msgspec.Struct] | None] = [*inputs, *answers]
    found, schemas = msgspec.json.schema_components(types, ref_template=REF)
    refs = dict(zip(types, found, strict=True))
    paths = {
        f"/#{TARGET_HEADER}=DataPipeline.{name}": {
            "post": _operation(name, refs[operation.input], refs.get(OUTPUTS[name]))
        }
        for name, operation in OPERATIONS.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "AWS Data Pipeline API, by lease-coordinator", "version": __version__},
        "security": [{"signature": []}, {}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Error": _error_schema()},
            "securitySchemes": {"signature": SIGNED},
        },
    }


def _error_schema() -> dict[str, Any]:
    names = sorted({fault.name for fault in (*FAULTS.values(), INTERNAL)})
    return {
        "type": "object",
        "required": ["__type", "message"],
        "properties": {"__type": {"enum": names}, "message": {"type": "string"}},
        "additionalProperties": False,
    }


def _operation(name: str, request: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any]:
    target = {
        "name": TARGET_HEADER,
        "in": "header",
        "required": True,
        "schema": {"type": "string", "enum": [f"DataPipeline.{name}"]},
    }
    error = {CONTENT_TYPE: {"schema": {"$ref": REF.format(name="Error")}}}
    refusals = {code: _response(words, error) for code, words in REFUSALS.items()}
    done = {CONTENT_TYPE: {"schema": answer} if answer else {}}
    return {
        "operationId": name,
        "parameters": [target],
        "requestBody": {"required": True, "content": {CONTENT_TYPE: {"schema": request}}},
        "responses": {"200": _response("Done", done), **refusals},
    }


def _response(words: str, content: dict[str, Any]) -> dict[str, Any]:
    headers = {"x-amzn-requestid": REQUEST_ID}
    return {"description": words, "headers": headers, "content": content}
