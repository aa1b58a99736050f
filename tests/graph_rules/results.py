"""Rules of results, errors, actors and numbers."""

from collections.abc import Iterator

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

REFUSAL, CONFLICT, RESULT = "Refusal", "Conflict", "MutationResult"


def mutation_results(schema: GraphQLSchema) -> Iterator[str]:
    """Yield a sentence for each mutation whose result is not a union of successes, Refusal and, if need be, Conflict.

    A change of an existing thing takes its ``version``, and no other command does.
    """
    if schema.mutation_type is None:
        return
    for name, field in schema.mutation_type.fields.items():
        result = get_named_type(field.type)
        if not isinstance(result, GraphQLUnionType):
            yield f"{name} returns no union"
            continue
        members = {one.name for one in result.types}
        if REFUSAL not in members or members <= {REFUSAL, CONFLICT}:
            yield f"{name} returns no union of a success and {REFUSAL}"
        for one in result.types:
            if RESULT not in {interface.name for interface in one.interfaces}:
                yield f"{one.name}, a result of {name}, is no {RESULT}"
        given = field.args.get("input")
        takes_version = given is not None and "version" in get_named_type(given.type).fields
        if takes_version != (CONFLICT in members):
            yield f"{name} takes a version and can't return {CONFLICT}, or the other way round"


def connections_in_unions(schema: GraphQLSchema) -> Iterator[str]:
    """Yield a sentence for each connection that is a member of a union."""
    for one in schema.type_map.values():
        if isinstance(one, GraphQLUnionType):
            yield from (
                f"{one.name} has the connection {member.name}"
                for member in one.types
                if member.name.endswith("Connection")
            )


def error_shape(schema: GraphQLSchema) -> Iterator[str]:
    """Yield a sentence for each type with a code and a message that is no Error, and for each lack of Error."""
    error = schema.type_map.get("Error")
    if not isinstance(error, GraphQLInterfaceType) or error.fields.keys() != {"code", "message", "path", "retryable"}:
        yield "Error is no interface of code, message, path and retryable"
    for one in schema.type_map.values():
        if (
            isinstance(one, GraphQLObjectType)
            and {"code", "message"} <= one.fields.keys()
            and "Error" not in {interface.name for interface in one.interfaces}
        ):
            yield f"{one.name} has a code and a message, and is no Error"


def actors(schema: GraphQLSchema) -> Iterator[str]:
    """Yield a sentence for each field that says who did something by a bare id or name."""
    for one in schema.type_map.values():
        if isinstance(one, GraphQLObjectType | GraphQLInterfaceType) and not one.name.startswith("__"):
            for name, field in one.fields.items():
                if (name in {"by", "actor"} or name.endswith("By")) and is_leaf_type(get_named_type(field.type)):
                    yield f"{one.name}.{name} is no Actor"


_WITH_NUMBER = ("Order", "Ticket", "Claim", "Invoice", "TransferDocument")


def human_numbers(schema: GraphQLSchema) -> Iterator[str]:
    """Yield a sentence for each thing that people name on the telephone and that has no number."""
    for name in _WITH_NUMBER:
        one = schema.type_map.get(name)
        if isinstance(one, GraphQLObjectType) and "number" not in one.fields:
            yield f"{name} has no number"
