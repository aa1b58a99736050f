"""A field that asks a service is nullable, so that one that is away takes only its own fields with it."""

from collections.abc import Iterator, Mapping

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)

NULL_ITEMS: Mapping[str, str] = {"Query.nodes": "an id that leads nowhere keeps its place"}
NULL_LISTS: Mapping[str, str] = {"Membership.siteIds": "null is every site"}
NEVER_NULL: Mapping[str, str] = {"Subscription.orderEvents": "an item of a stream, which ends with an error"}
"""The exceptions, each with the reason."""


def nullability(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the fields that ask a service and are never null, the other lists that may be null, and null items."""
    for name, kind in schema.type_map.items():
        if name.startswith("__") or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for field, of in kind.fields.items():
            place, one = f"{name}.{field}", get_nullable_type(of.type)
            asks = of.ast_node is not None and any(given.name.value == "cost" for given in of.ast_node.directives or ())
            if asks and is_non_null_type(of.type) and place not in NEVER_NULL:
                yield f"{place} asks a service, and is never null"
            if not is_list_type(one):
                continue
            if not is_non_null_type(one.of_type) and place not in NULL_ITEMS:
                yield f"{place} may have null items"
            if not (asks or is_non_null_type(of.type) or place in NULL_LISTS):
                yield f"{place} asks no service, and may be a null list"
