"""Scalars are those of the conventions, each with the address of its format or a description."""

from collections.abc import Iterator

from graphql import GraphQLScalarType, GraphQLSchema, is_specified_scalar_type

_OF_STANDARDS = {"Date", "DateTime", "EmailAddress", "JSON", "PhoneNumber"}
_OWN = {"Long"}


def scalar_breaches(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the unknown scalars, and those of a standard without ``@specifiedBy``."""
    for name, kind in schema.type_map.items():
        if not isinstance(kind, GraphQLScalarType) or is_specified_scalar_type(kind):
            continue
        if name not in _OF_STANDARDS | _OWN:
            yield f"{name} is no scalar of the conventions"
        elif name in _OF_STANDARDS and not kind.specified_by_url:
            yield f"{name} has no @specifiedBy"
