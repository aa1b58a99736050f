"""The object types of a schema, for the rules."""

from collections.abc import Iterator

from graphql import GraphQLObjectType, GraphQLSchema


def object_types(schema: GraphQLSchema) -> Iterator[GraphQLObjectType]:
    """Yield the object types, those of introspection included."""
    return (kind for kind in schema.type_map.values() if isinstance(kind, GraphQLObjectType))
