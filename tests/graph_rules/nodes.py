"""Rules of objects with an id: each is a node, and a reference has a field that leads to it."""

from collections.abc import Collection, Iterator, Mapping

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type, get_nullable_type

from gateway.schema.nodes import NODE_LOADERS
from tests.graph_rules.object_types import object_types

NODE_PREFIXES: Mapping[str, str] = {
    "Agreement": "agreement",
    "Article": "article",
    "Container": "container",
    "Import": "import",
    "MailSuppression": "suppression",
    "Me": "user",
    "Order": "order",
    "Organisation": "org",
    "Partner": "partner",
    "Pickup": "pickup",
    "Site": "site",
    "Ticket": "ticket",
    "TicketEntry": "entry",
    "HeldMessage": "held",
    "Invitation": "invitation",
    "Member": "member",
}
"""The prefixes of the ids of the types that `node` finds."""

NO_NODES: Mapping[str, str] = {
    "OrderEvent": "an entry of a log, which is found by its cursor",
}
"""Types that have an id and that `node` does not find, each with the reason."""

NO_REFERENCES: Mapping[str, str] = {
    "Partner.clientId": "a client id of OAuth 2.0, which may have another form",
    "JoinedByInvitation.userId": "the new user has not signed in yet, and can read nothing",
    "Registered.userId": "the new user has not signed in yet, and can read nothing",
    "ReportOutcome.reportId": "the partner's own id",
}
"""Fields that are named like a reference and have no object beside them, each with the reason."""


def nodes(schema: GraphQLSchema, loaded: Collection[str] = NODE_LOADERS.keys()) -> Iterator[str]:
    """Yield the types with an id that are no nodes, and the nodes whose prefix is not in ``loaded``."""
    for one in object_types(schema):
        if "id" not in one.fields or NO_NODES.keys() & {one.name, *(interface.name for interface in one.interfaces)}:
            continue
        if "Node" not in {interface.name for interface in one.interfaces}:
            yield f"{one.name} has an id, and is no Node"
        prefix = NODE_PREFIXES.get(one.name)
        if prefix is None:
            yield f"{one.name} is a Node whose prefix is not known here"
        elif not any(key == prefix or key.startswith(f"{prefix}_") for key in loaded):
            yield f"{one.name}: `node` finds no id that begins with {prefix}"
    for name in ("node", "nodes"):
        field = schema.query_type.fields.get(name) if schema.query_type else None
        if field is None or get_named_type(field.type).name != "Node":
            yield f"Query.{name} does not find nodes"


def references(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the fields `xId` that have no object `x` beside them, and `xIds` that have no connection `xs`."""
    for one in object_types(schema):
        for name in one.fields:
            if not name.endswith(("Id", "Ids")) or f"{one.name}.{name}" in NO_REFERENCES:
                continue
            several = name.endswith("Ids")
            wanted = f"{name.removesuffix('Ids')}s" if several else name.removesuffix("Id")
            beside = get_nullable_type(one.fields[wanted].type) if wanted in one.fields else None
            leads = isinstance(beside, GraphQLObjectType | GraphQLInterfaceType)
            if not leads or str(beside).endswith("Connection") != several:
                yield f"{one.name}.{name} has no {'connection' if several else 'object'} {wanted} beside it"
