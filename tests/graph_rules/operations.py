"""Root fields have a cost, long work is a bulk operation, and what is deprecated names its end."""

import re
from collections.abc import Iterator

from graphql import GraphQLField, GraphQLInterfaceType, GraphQLSchema

from tests.graph_rules.object_types import object_types

BULK_FIELDS = ("state", "total", "done", "succeeded", "failed", "startedBy", "startedAt", "finishedAt", "badRows")
_REASON = re.compile(r"\b\d{4}-\d{2}-\d{2}\b.*\buse\b|\buse\b.*\b\d{4}-\d{2}-\d{2}\b", re.IGNORECASE | re.DOTALL)


def cost(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the root fields without a weight, and the connections whose size is not charged."""
    roots = [kind for kind in (schema.query_type, schema.mutation_type, schema.subscription_type) if kind]
    for root in roots:
        for name, field in root.fields.items():
            if "cost" not in _directives(field):
                yield f"{root.name}.{name} has no @cost"
    for kind in object_types(schema):
        for name, field in kind.fields.items():
            if str(field.type).rstrip("!").endswith("Connection") and "listSize" not in _directives(field):
                yield f"{kind.name}.{name} is a connection without @listSize"


def bulk(schema: GraphQLSchema) -> Iterator[str]:
    """Yield what lacks to bulk operations: fields of the interface, the command that cancels, the progress."""
    interface = schema.type_map.get("BulkOperation")
    if not isinstance(interface, GraphQLInterfaceType):
        yield "BulkOperation is no interface"
        return
    if [one.name for one in interface.interfaces] != ["Node"]:
        yield "BulkOperation is no Node"
    for name in BULK_FIELDS:
        if name not in interface.fields:
            yield f"BulkOperation has no {name}"
    if schema.mutation_type is None or "cancelBulkOperation" not in schema.mutation_type.fields:
        yield "no mutation cancels a bulk operation"
    if schema.subscription_type is None or "bulkOperation" not in schema.subscription_type.fields:
        yield "no subscription shows the progress of a bulk operation"
    for kind in object_types(schema):
        counts = {"total", "done", "failed"} <= kind.fields.keys() and "id" in kind.fields
        if counts and interface not in kind.interfaces:
            yield f"{kind.name} counts what is done, and is no BulkOperation"


def deprecations(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the deprecated things whose reason does not name a day and what to use."""
    for place, reason in _reasons(schema):
        if reason is not None and not _REASON.search(reason):
            yield f"{place} is deprecated: its reason names no day (YYYY-MM-DD) and nothing to use"


def _reasons(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for kind in schema.type_map.values():
        for name, one in {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}.items():
            yield f"{kind.name}.{name}", one.deprecation_reason
            for argument, of in getattr(one, "args", {}).items():
                yield f"{kind.name}.{name}({argument})", of.deprecation_reason


def _directives(field: GraphQLField) -> set[str]:
    nodes = field.ast_node.directives if field.ast_node else None
    return {node.name.value for node in nodes or ()}
