"""The OpenAPI 3.1 document of a contract, made from its Protocol."""

from typing import Any

import msgspec

from services.chassis.rpc.signature import signatures


def openapi(protocol: type) -> bytes:
    """The document as JSON."""
    operations = list(signatures(protocol).values())
    kinds: list[Any] = [kind for one in operations for kind in (one.arguments, one.result)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    paths: dict[str, Any] = {}
    for number, one in enumerate(operations):
        paths[f"/rpc/{one.name}"] = {
            "post": {
                "operationId": one.name,
                "summary": one.description.splitlines()[0] if one.description else one.name,
                "description": one.description,
                "security": [] if one.declared.public else [{"bearer": []}],
                "x-kind": one.declared.kind,
                "requestBody": {"required": True, "content": {"application/json": {"schema": schemas[2 * number]}}},
                "responses": {
                    "200": {
                        "description": "The result, refusals included",
                        "content": {"application/json": {"schema": schemas[2 * number + 1]}},
                    },
                    "default": {
                        "description": "Problem details (RFC 9457)",
                        "content": {"application/problem+json": {"schema": {"type": "object"}}},
                    },
                },
            }
        }
    document = {
        "openapi": "3.1.0",
        "info": {"title": f"Kierto {protocol.__name__}", "version": "1", "description": protocol.__doc__ or ""},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }
    return msgspec.json.encode(document)
