"""OpenAPI 3.1 document of a contract, derived from its Protocol."""

from typing import Any

import msgspec

from services.chassis.auth.tokens import SERVICE_TOKEN_HEADER
from services.chassis.problems import ProblemDetails
from services.chassis.rpc import batch_protocol, field_selection
from services.chassis.rpc.signature import signatures
from services.chassis.rpc.text_limits import limited_fields
from services.contracts.declare import Operation

_SELECTION_PARAMETER = {
    "name": batch_protocol.SELECTION_HEADER,
    "in": "header",
    "description": f"A JSON list with a selection or null for each call. {field_selection.__doc__}",
    "schema": {"type": "string"},
    "example": '[["id", "address", ["street", "city"]]]',
}


def openapi(protocol: type) -> bytes:
    """Return the document as JSON."""
    operations = list(signatures(protocol).values())
    kinds: list[Any] = [kind for operation in operations for kind in (operation.arguments, operation.result)]
    (problem, *schemas), components = msgspec.json.schema_components(
        [ProblemDetails, *kinds], ref_template="#/components/schemas/{name}"
    )
    for struct, name, limit in (field for operation in operations for field in limited_fields(operation.arguments)):
        _set_max_length(components[struct.__name__]["properties"][name], limit.longest)
    refused = {
        "description": "Problem details (RFC 9457)",
        "content": {"application/problem+json": {"schema": problem}},
    }
    paths: dict[str, Any] = {}
    for number, operation in enumerate(operations):
        paths[operation.path] = {
            "post": {
                "operationId": operation.name,
                "summary": operation.description.splitlines()[0] if operation.description else operation.name,
                "description": operation.description,
                "security": _security(operation.declared),
                "x-kind": operation.declared.kind,
                "parameters": [_SELECTION_PARAMETER],
                "requestBody": {"required": True, "content": {"application/json": {"schema": schemas[2 * number]}}},
                "responses": {
                    "200": {
                        "description": "The result, refusals included",
                        "content": {"application/json": {"schema": schemas[2 * number + 1]}},
                    },
                    "206": {"description": "The selected part of it", "content": {"application/json": {}}},
                    "default": refused,
                },
            }
        }
    paths[batch_protocol.PATH] = _batch_operation(
        [operation.name for operation in operations if operation.batchable], refused
    )
    document = {
        "openapi": "3.1.0",
        "info": {"title": f"Kierto {protocol.__name__}", "version": "1", "description": protocol.__doc__ or ""},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "gateway": {"type": "apiKey", "in": "header", "name": SERVICE_TOKEN_HEADER},
            },
        },
    }
    return msgspec.json.encode(document)


def _set_max_length(schema: dict[str, Any], longest: int) -> None:
    """Set the maximum length in a field's schema, or in that of its list's items."""
    for part in (schema, *schema.get("anyOf", ())):
        if part.get("type") == "string":
            part["maxLength"] = longest
        elif part.get("type") == "array":
            _set_max_length(part["items"], longest)


def _security(declared: Operation) -> list[dict[str, list[str]]]:
    """Return the security requirement of an operation."""
    if declared.open:
        return []
    return [{"gateway": []}] if declared.public else [{"bearer": []}]


def _batch_operation(reads: list[str], refused: dict[str, Any]) -> dict[str, Any]:
    def pairs(first: dict[str, Any], second: str, **beside: Any) -> dict[str, Any]:
        pair = {"type": "array", "prefixItems": [first, {"description": second}], "minItems": 2, "maxItems": 2}
        return {"application/json": {"schema": {"type": "array", "items": pair, **beside}}}

    return {
        "post": {
            "operationId": "roundTrip",
            "summary": "Several reads of one caller, answered side by side",
            "description": batch_protocol.__doc__,
            "security": [{"bearer": []}],
            "x-kind": "read",
            "parameters": [_SELECTION_PARAMETER],
            "requestBody": {
                "required": True,
                "content": pairs({"enum": reads}, "Its arguments", minItems=1, maxItems=batch_protocol.MAX_CALLS),
            },
            "responses": {
                "200": {
                    "description": "To each call in its order what it would have been answered alone",
                    "content": pairs({"type": "integer"}, "Its result, or problem details"),
                },
                "default": refused,
            },
        }
    }
