"""Cursors of every connection, on the demonstration: each is valid for its own list, order and filter alone."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, build_schema, get_named_type

from tests.e2e.extra_pickups import find_offers, order
from tests.snapshots import SCHEMA
from tests.support.gateway_client import GatewayClient
from tests.support.stack import RunningStack

NODE = "node(id: $id) { ... on %s { %%s } }"
CONNECTIONS: Mapping[str, tuple[str, str, str]] = {
    "BulkOperation.badRows": ("staff", "imports", NODE % "BulkOperation"),
    "Import.badRows": ("staff", "imports", NODE % "Import"),
    "Membership.sites": ("manager", "", "me { memberships { %s } }"),
    "Organisation.sites": ("staff", "organisations", NODE % "Organisation"),
    "Partner.organisations": ("staff", "partners", NODE % "Partner"),
    "Query.heldMessages": ("staff", "", "%s"),
    "Query.imports": ("staff", "", "%s"),
    "Query.invitations": ("staff", "", "%s"),
    "Query.organisationMembers": ("staff", "", "%s"),
    "Query.mailSuppressions": ("staff", "", "%s"),
    "Query.orders": ("staff", "", "%s"),
    "Query.organisations": ("staff", "", "%s"),
    "Query.partners": ("staff", "", "%s"),
    "Query.sites": ("staff", "", "%s"),
    "Query.tickets": ("staff", "", "%s"),
    "Site.agreements": ("staff", "sites", NODE % "Site"),
    "Ticket.thread": ("staff", "tickets", NODE % "Ticket"),
}
"""The reader of each connection, the list that has its node, and the selection around it."""
ONE_LIST = ({"BulkOperation.badRows", "Import.badRows"}, {"Membership.sites", "Organisation.sites"})
"""Connections that may show one list."""
WITHOUT_ROWS = {
    "BulkOperation.badRows",
    "Import.badRows",
    "Partner.organisations",
    "Query.heldMessages",
    "Query.invitations",
    "Query.mailSuppressions",
}
"""Connections that are empty in the demonstration."""
FILTERS: Mapping[str, str] = {
    "AgreementFilter": "{ended: false}",
    "BadRowFilter": '{codes: ["MALFORMED"]}',
    "HeldMessageFilter": "{states: [HELD]}",
    "ImportFilter": "{states: [DONE]}",
    "InvitationFilter": "{states: [PENDING]}",
    "MailSuppressionFilter": "{recipientKinds: [USER]}",
    "MemberFilter": "{roles: [ADMIN]}",
    "OrderFilter": '{since: "2020-01-01"}',
    "OrganisationFilter": "{kinds: [BUSINESS]}",
    "PartnerFilter": "{active: true}",
    "SiteFilter": '{search: "street"}',
    "TicketEntryFilter": "{kinds: [MESSAGE]}",
    "TicketFilter": "{topics: [OTHER]}",
}
"""A filter of each type that sets a field."""
CONTACT = """
    mutation ($site: ID!, $key: String!) {
      sendContactForm(input: {siteId: $site, topic: OTHER, message: "Hei", idempotencyKey: $key}) { __typename }
    }
"""
OTHERS = {"an empty text": "", "blanks": "  ", "a text": "no cursor", "the log's beginning": "START"}
"""Texts that are no cursor of a list."""


def connections() -> dict[str, Any]:
    """Return the fields of the schema that are connections."""
    types = build_schema(SCHEMA.read_text(encoding="utf-8")).type_map.values()
    return {
        f"{kind.name}.{name}": field
        for kind in types
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in kind.fields.items()
        if get_named_type(field.type).name.endswith("Connection")
    }


class Connections:
    """The connections, as their readers see them."""

    def __init__(self, readers: Mapping[str, GatewayClient]) -> None:
        self._readers = readers
        self._ids: dict[str, str] = {}

    async def read(self, place: str, arguments: str) -> tuple[Any, list[dict[str, Any]]]:
        """Return the first such connection of a response, or None, and the errors."""
        reader, of, around = CONNECTIONS[place]
        name = place.partition(".")[2]
        given = f"(kind: RULES, {arguments})" if place == "Query.imports" else f"({arguments})"
        variables = {"id": await self._id_in(of)} if of else {}
        head = "query ($id: ID!)" if of else "query"
        selection = around % f"{name}{given} {{ pageInfo {{ endCursor }} }}"
        response = await self._readers[reader].post(f"{head} {{ {selection} }}", **variables)
        errors = response.get("errors", [])
        return None if errors else _find(response["data"], name), errors

    async def cursor(self, place: str) -> str | None:
        connection, errors = await self.read(place, "first: 1")
        assert errors == [], (place, errors)
        cursor: str | None = connection["pageInfo"]["endCursor"]
        return cursor

    async def is_refused(self, place: str, arguments: str, path: str = "after") -> bool:
        """Tell whether a page is refused because of its cursor; fail for any other error."""
        _, errors = await self.read(place, arguments)
        found = [(one["extensions"]["code"], one["extensions"]["path"]) for one in errors]
        assert set(map(str, found)) <= {str(("MALFORMED", [path]))}, (place, arguments, errors)
        return bool(errors)

    async def log_cursor(self) -> str:
        page = await self._readers["staff"].execute(
            '{ events(after: "START", first: 1) { ... on EventPage { cursor } } }'
        )
        return str(page["cursor"])

    async def log_refuses(self, cursor: str) -> bool:
        response = await self._readers["staff"].post(
            "query ($after: String) { events(after: $after) { __typename } }", after=cursor
        )
        return [one["extensions"]["path"] for one in response.get("errors", ())] == [["after"]]

    async def _id_in(self, name: str) -> str:
        if name not in self._ids:
            given = "(kind: RULES, first: 1)" if name == "imports" else "(first: 1)"
            found = await self._readers["staff"].execute(f"{{ {name}{given} {{ edges {{ node {{ id }} }} }} }}")
            self._ids[name] = found["edges"][0]["node"]["id"]
        return self._ids[name]


def _find(value: Any, name: str) -> Any:
    """Return the first value of this name in a response, however deep."""
    if isinstance(value, list):
        return next((found for one in value if (found := _find(one, name)) is not None), None)
    if not isinstance(value, dict):
        return None
    return value[name] if name in value else _find(list(value.values()), name)


@pytest.fixture
async def shown(demonstration: RunningStack) -> AsyncIterator[Connections]:
    async with contextlib.AsyncExitStack() as opened:
        readers = {}
        for name, who in (("staff", "staff"), ("manager", "property manager")):
            readers[name] = await opened.enter_async_context(GatewayClient(demonstration.gateway))
            await readers[name].sign_in(*demonstration.sign_in_of(who))
        await order(readers["manager"], await find_offers(readers["manager"]))
        sites = await readers["manager"].execute("{ sites(first: 1) { edges { node { id } } } }")
        form = await readers["manager"].execute(CONTACT, site=sites["edges"][0]["node"]["id"], key=str(uuid.uuid4()))
        assert form["__typename"] == "ContactFormReceived", form
        yield Connections(readers)


async def test_a_cursor_of_anything_else_is_refused_by_every_connection(shown: Connections) -> None:
    assert CONNECTIONS.keys() == connections().keys()
    own = {place: cursor for place in CONNECTIONS if (cursor := await shown.cursor(place)) is not None}
    assert own.keys() | WITHOUT_ROWS == CONNECTIONS.keys()
    others = {**own, **OTHERS, "the log": await shown.log_cursor()}
    wrong = []
    for place in CONNECTIONS:
        for name, cursor in others.items():
            if any({place, name} <= one for one in ONE_LIST):
                continue
            wanted = place != name
            after = await shown.is_refused(place, f'first: 1, after: "{cursor}"')
            before = await shown.is_refused(place, f'last: 1, before: "{cursor}"', "before")
            if (after, before) != (wanted, wanted):
                wrong.append((place, name, after, before))
    assert wrong == []
    assert all([await shown.log_refuses(cursor) for cursor in {*own.values(), "", "no cursor"}])


async def test_a_cursor_is_of_one_order_and_of_the_set_fields_of_a_filter(shown: Connections) -> None:
    for place, field in connections().items():
        cursor = await shown.cursor(place)
        if cursor is None or "filter" not in field.args:
            continue
        page = f'first: 1, after: "{cursor}"'
        filtered = get_named_type(field.args["filter"].type)
        unset = ", ".join(f"{name}: null" for name in filtered.fields)
        assert not await shown.is_refused(place, f"{page}, filter: {{{unset}}}"), place
        assert await shown.is_refused(place, f"{page}, filter: {FILTERS[filtered.name]}"), place
        orders = list(get_named_type(field.args["order"].type).fields["field"].type.of_type.values)
        refused = [
            await shown.is_refused(place, f"{page}, order: {{field: {name}, direction: {direction}}}")
            for name in orders
            for direction in ("ASC", "DESC")
        ]
        assert refused.count(False) == 1, (place, orders, refused)
