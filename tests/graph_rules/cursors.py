"""Rules of cursors: opaque texts, each for its own list or log, and the only way into the middle of one."""

from collections.abc import Iterator

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

_FIELDS = {"cursor": "String!", "startCursor": "String", "endCursor": "String"}
_ARGUMENTS = ("after", "before")
_OFFSETS = {"offset", "page", "skip"}


def cursors(schema: GraphQLSchema) -> Iterator[str]:
    """Yield a sentence for each cursor that is no text, each edge without one, and each argument with an offset.

    An argument says that a cursor of anything else is refused.
    """
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) or kind.name.startswith("__"):
            continue
        if kind.name.endswith("Edge") and "cursor" not in kind.fields:
            yield f"{kind.name} has no cursor"
        for name, field in kind.fields.items():
            place = f"{kind.name}.{name}"
            if str(field.type) != _FIELDS.get(name, str(field.type)):
                yield f"{place} is no {_FIELDS[name]}"
            yield from (
                f"{place}({offset}) is an offset, and no cursor" for offset in sorted(_OFFSETS & field.args.keys())
            )
            for argument in (one for one in _ARGUMENTS if one in field.args):
                if str(field.args[argument].type) != "String":
                    yield f"{place}({argument}) is no String"
                if argument == "after" and "MALFORMED" not in (field.args[argument].description or ""):
                    yield f"{place}({argument}) does not say that any other text is MALFORMED"
