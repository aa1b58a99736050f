"""A command may be repeated, and a change of an existing thing names the version that the caller has read."""

from collections.abc import Iterator, Mapping

from graphql import GraphQLInputObjectType, GraphQLSchema, GraphQLUnionType, get_named_type

REPEATED_WITHOUT_KEY: Mapping[str, str] = {
    "signIn": "it reveals a secret",
    "refresh": "it reveals a secret",
    "signOut": "a session ends once",
    "register": "its input holds a password, of which no digest is kept",
    "verifyEmail": "the link works once",
    "requestUsername": "its caller has no account for keys to belong to, and mails are limited",
    "requestPasswordReset": "its caller has no account for keys to belong to, and mails are limited",
    "resetPassword": "the link works once",
    "unlock": "the link works once",
    "acceptInvitation": "the link works once",
    "joinByInvitation": "the link works once, and its input holds a password",
    "changePassword": "its input holds passwords, of which no digest is kept; the present one changes once",
    "confirmEmailChange": "the link confirms once",
    "withdrawEmailChange": "a change is withdrawn once",
    "reportPickups": "each report has an id of its own",
    "startImport": "the upload's id names the command",
    "cancelBulkOperation": "an operation is cancelled once",
}
"""The commands without `idempotencyKey`, and why. A change with `version` happens once anyway."""

CHANGED_WITHOUT_VERSION: Mapping[str, str] = {
    "startImport": "an import starts once",
    "cancelBulkOperation": "its progress is no version, and cancelled it is final",
    "liftMailSuppression": "it is lifted once, whatever its latest report says",
}
"""The changes without `version`, and why."""


def commands(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the commands that can't be repeated, and the changes of existing things without a version."""
    for name, field in schema.mutation_type.fields.items() if schema.mutation_type else ():
        given: dict[str, str] = {}
        for argument in field.args.values():
            kind = get_named_type(argument.type)
            if isinstance(kind, GraphQLInputObjectType):
                given |= {key: str(one.type) for key, one in kind.fields.items()}
        if "idempotencyKey" not in given and "version" not in given and name not in REPEATED_WITHOUT_KEY:
            yield f"Mutation.{name} takes no idempotencyKey"
        if "id" in given and name not in CHANGED_WITHOUT_VERSION:
            result = get_named_type(field.type)
            results = [one.name for one in result.types] if isinstance(result, GraphQLUnionType) else []
            if given.get("version") != "Int!":
                yield f"Mutation.{name} changes a thing, and takes no version"
            elif "Conflict" not in results:
                yield f"Mutation.{name} takes a version, and answers no Conflict"
