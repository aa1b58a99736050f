"""Rules of messages: whoever gets a code gets a sentence for the user with it."""

from collections.abc import Iterator, Mapping

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

WITHOUT_MESSAGE: Mapping[str, str] = {
    "BadRow": "its sentence is called `reason`, as in the file of bad rows",
    "CursorExpired": "a client goes on by itself, at `start`",
}
"""Types with a code and without a message, and why."""
_LANGUAGE = "in the caller's language"


def messages(schema: GraphQLSchema) -> Iterator[str]:
    """Yield a sentence for each type with a code that has no message, or one that may be missing or in any language."""
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        if "code" not in kind.fields or kind.name in WITHOUT_MESSAGE:
            continue
        message = kind.fields.get("message")
        if message is None or str(message.type) != "String!":
            yield f"{kind.name} has a code, and no message: String!"
        elif _LANGUAGE not in (message.description or ""):
            yield f"{kind.name}.message does not say that it is {_LANGUAGE}"
