"""Rules of lists: connections that are paged from either end, filtered, ordered, and followed by changes."""

from collections.abc import Iterator, Mapping

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

WITHOUT_UPDATES: Mapping[str, str] = {
    "BulkOperation.badRows": "the bad rows of an import never change once they are there",
    "Import.badRows": "the bad rows of an import never change once they are there",
    "Ticket.thread": "its entries never change once they are there, and the latest can be read first",
}
"""Connections without ``updatedAfter``, and why."""

_PAGE = {"first": "Int", "after": "String", "last": "Int", "before": "String"}
_LARGEST_PAGE = "200."


def lists(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the breaches of each connection, and of each filter."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                if get_named_type(field.type).name.endswith("Connection"):
                    yield from _connection(f"{kind.name}.{name}", field)
        if isinstance(kind, GraphQLInputObjectType) and kind.name.endswith("Filter"):
            yield from _filter(kind)
        if isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection"):
            for name in ("edges", "pageInfo", "removed", "totalCount"):
                if name not in kind.fields:
                    yield f"{kind.name} has no {name}"


def _connection(place: str, field: GraphQLField) -> Iterator[str]:
    for name, kind in _PAGE.items():
        argument = field.args.get(name)
        if argument is None or str(argument.type) != kind:
            yield f"{place} has no argument {name}: {kind}"
        elif kind == "Int" and not (argument.description or "").endswith(_LARGEST_PAGE):
            yield f"{place}({name}) does not say the largest page"
    if not _is_input(field.args.get("filter"), "Filter"):
        yield f"{place} has no argument filter of an input type"
    if not _is_order(field.args.get("order")):
        yield f"{place} has no argument order of an input type {{field, direction}}"
    updated = field.args.get("updatedAfter")
    if (updated is not None) == (place in WITHOUT_UPDATES):
        yield f"{place} has no argument updatedAfter, or has one and a reason to have none"
    if updated is not None and str(updated.type) != "String":
        yield f"{place}(updatedAfter) is no String"


def _is_input(argument: GraphQLArgument | None, ending: str) -> bool:
    kind = argument.type if argument is not None else None
    return isinstance(kind, GraphQLInputObjectType) and kind.name.endswith(ending)


def _is_order(argument: GraphQLArgument | None) -> bool:
    kind = argument.type if argument is not None else None
    return isinstance(kind, GraphQLInputObjectType) and kind.fields.keys() == {"field", "direction"}


def _filter(kind: GraphQLInputObjectType) -> Iterator[str]:
    for name, field in kind.fields.items():
        if isinstance(field.type, GraphQLNonNull):
            yield f"{kind.name}.{name} can't be null, which is no condition"
        if isinstance(field.type, GraphQLList) and not isinstance(field.type.of_type, GraphQLNonNull):
            yield f"{kind.name}.{name} may have null among its values"
