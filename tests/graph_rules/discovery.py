"""``settings`` has everything that a client would have to hard-code."""

from collections.abc import Iterator

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

PATHS = (
    "currency",
    "languages",
    "timeZone",
    "pageLimit",
    "importFiles.maxBytes",
    "registration.termsVersion",
    "registration.customerNumber.pattern",
    "registration.customerNumber.example",
    "registration.invoiceNumber.pattern",
    "registration.password.shortest",
)


def discovery_breaches(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the settings that can't be queried."""
    for path in PATHS:
        kind: object = schema.query_type
        for name in ("settings", *path.split(".")):
            field = kind.fields.get(name) if isinstance(kind, GraphQLObjectType) else None
            kind = get_named_type(field.type) if field else None
        if kind is None:
            yield f"Query.settings has no {path}"
