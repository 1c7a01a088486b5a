"""``GET /openapi.json``: each operation under ``/#X-Amz-Target=DataPipeline.<Name>``."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from coordinator import __version__
from coordinator.wire.operations import OPERATIONS
from coordinator.wire.targets import CONTENT_TYPE, TARGET_HEADER

REF = "#/components/schemas/{name}"
ERROR_SCHEMA = {
    "type": "object",
    "required": ["__type", "message"],
    "properties": {"__type": {"type": "string"}, "message": {"type": "string"}},
}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    operations = list(OPERATIONS.values())
    inputs = [operation.input for operation in operations]
    refs, schemas = msgspec.json.schema_components(inputs, ref_template=REF)
    paths = {
        f"/#{TARGET_HEADER}=DataPipeline.{operation.name}": {
            "post": _operation(operation.name, ref)
        }
        for operation, ref in zip(operations, refs, strict=True)
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "AWS Data Pipeline API, by lease-coordinator", "version": __version__},
        "paths": paths,
        "components": {"schemas": {**schemas, "Error": ERROR_SCHEMA}},
    }


def _operation(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    target = {
        "name": TARGET_HEADER,
        "in": "header",
        "required": True,
        "schema": {"type": "string", "enum": [f"DataPipeline.{name}"]},
    }
    error = {CONTENT_TYPE: {"schema": {"$ref": REF.format(name="Error")}}}
    return {
        "operationId": name,
        "parameters": [target],
        "requestBody": {"required": True, "content": {CONTENT_TYPE: {"schema": schema}}},
        "responses": {
            "200": {"description": "Done", "content": {CONTENT_TYPE: {}}},
            "400": {"description": "The request is refused", "content": error},
            "500": {"description": "Repeat the request", "content": error},
        },
    }
