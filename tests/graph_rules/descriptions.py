"""Everything has a description, in the words of the graph."""

import re
from collections.abc import Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
)

_PYTHON = re.compile(r"``|\bNone\b|`[a-z]+(?:_[a-z]+)+`")


def description_breaches(schema: GraphQLSchema) -> Iterator[str]:
    """Yield what has no description, or one with a name of Python."""
    for place, description in _descriptions(schema):
        if not (description or "").strip():
            yield f"{place} has no description"
        elif found := _PYTHON.search(description or ""):
            yield f"{place}: its description has {found[0]}, which is Python"


def _descriptions(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for directive in schema.directives:
        if not is_specified_directive(directive):
            yield f"@{directive.name}", directive.description
    for name, kind in schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{value}", one.description) for value, one in kind.values.items())
        elif isinstance(kind, GraphQLInputObjectType):
            yield from ((f"{name}.{field}", one.description) for field, one in kind.fields.items())
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, one in kind.fields.items():
                yield f"{name}.{field}", one.description
                yield from ((f"{name}.{field}({argument})", its.description) for argument, its in one.args.items())
