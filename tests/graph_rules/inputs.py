"""A mutation takes one input object, or nothing."""

from collections.abc import Iterator

from graphql import GraphQLInputObjectType, GraphQLNonNull, GraphQLSchema


def input_breaches(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the mutations with other arguments than one required ``input`` of an input type of their own."""
    for name, field in schema.mutation_type.fields.items() if schema.mutation_type else ():
        if not field.args:
            continue
        (argument, *others) = field.args.items()
        kind = argument[1].type
        required = kind.of_type if isinstance(kind, GraphQLNonNull) else None
        if others or argument[0] != "input" or not isinstance(required, GraphQLInputObjectType):
            yield f"Mutation.{name} takes other arguments than one `input`"
        elif required.name != f"{name[0].upper()}{name[1:]}Input":
            yield f"Mutation.{name}: its input is named {required.name}"
