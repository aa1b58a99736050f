"""Lists and look-ups of organisations, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import fetch_reached, id_restrictions
from services.access.reach import Restriction, ScopedTable
from services.access.search import search_condition
from services.access.updates import Reader
from services.chassis.db.keyset_query import SortOrder, fetch_pages
from services.chassis.db.lookup import fetch_by_ids
from services.chassis.db.paging import KeysetPage, Updates
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.search_words import search_words
from services.chassis.db.updates import ListedRows, ListedTable, fetch_snapshot, select_changes
from services.chassis.ids import find_id, write_id
from services.contracts.identity.organisations import (
    Organisation,
    OrganisationFilter,
    OrganisationKind,
    OrganisationOrder,
    OrganisationOrderField,
)
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection

_COLUMNS = "o.id, o.customer_number, o.name, o.kind, o.version"
# With its schema: a list's query has a common table expression of the same name.
_TABLE = ScopedTable(name="public.organisations o", organisation="o.id", site=None)
_LISTED = ListedTable(list="organisations", prefix="org")
_SORT_COLUMNS = {
    OrganisationOrderField.NAME: "o.sort_name",
    OrganisationOrderField.CUSTOMER_NUMBER: "o.customer_number",
}
_BY_NAME = OrganisationOrder(field=OrganisationOrderField.NAME)
_VERSIONS = "SELECT id, version FROM partners WHERE id = ANY ($1)"
_SERVED = ListedRows(
    list="organisations",
    prefix="org",
    rows="partners p JOIN organisations o ON o.id = ANY (p.organisation_ids)",
    id="o.id",
    marks=("o.changed_in",),
    within="p.id = ANY ($1)",
    removals="r.id IN (SELECT unnest(p.organisation_ids) FROM partners p WHERE p.id = ANY ($1))",
)
_BY_ID = f"SELECT {_COLUMNS} FROM organisations o WHERE {visible('o.id')} AND o.id = ANY ($3)"


async def organisations(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    page: Page,
    filter: OrganisationFilter | None,
    order: OrganisationOrder | None,
) -> RelayConnection[Organisation]:
    """Return a page of the organisations that the caller reaches, with all or some sites."""
    arguments = _ListArguments(filter, order)
    part: KeysetPage[Organisation] = KeysetPage(page, (str, uuid.UUID), "organisations", *arguments.scope)
    query = SqlQuery(caller.subject_id, day)
    arguments.add_kinds(query)
    rows, total, updates = await fetch_reached(
        connection,
        _TABLE,
        arguments.columns,
        query,
        part,
        arguments.order,
        reader=Reader(caller, day, _LISTED),
        restrictions=arguments.restrictions,
        search=search_condition(query, "o", arguments.words),
    )
    return part.connection(_nodes(rows), total, updates)


async def organisations_of_partners(
    connection: DatabaseConnection,
    partner_ids: Sequence[Id],
    page: Page,
    filter: OrganisationFilter | None,
    order: OrganisationOrder | None,
) -> list[RelayConnection[Organisation]]:
    """Return the same page of the organisations that each partner's access names.

    A cursor belongs to one partner's list, and so does a token: a page after either is requested of one partner. A
    token is worth nothing after a change of the partner, which may have brought or removed any of them.
    """
    arguments = _ListArguments(filter, order)
    parts: list[KeysetPage[Organisation]] = [
        KeysetPage(page, (str, uuid.UUID), "organisations of a partner", *arguments.scope, text) for text in partner_ids
    ]
    if not parts:
        return []
    requested_ids = [find_id("partner", text) for text in partner_ids]
    query = SqlQuery([one for one in requested_ids if one])
    query.where("o.id = ANY (p.organisation_ids)")
    arguments.add_kinds(query)
    for restriction in arguments.restrictions:
        query.where(restriction.condition("{}"), restriction.values)
    if search := search_condition(query, "o", arguments.words):
        query.where(search.condition)
    updates = [Updates()] * len(parts)
    if parts[0].has_look:
        snapshot = await fetch_snapshot(connection)
        versions = {row["id"]: row["version"] for row in await connection.fetch(_VERSIONS, *query.values[:1])}
        looks = [
            snapshot.look(part, versions.get(partner_id)) for part, partner_id in zip(parts, requested_ids, strict=True)
        ]
        updates = await select_changes(connection, _SERVED, query, parts, looks)
    pages = await fetch_pages(
        connection, "partners p", "p.id = ANY ($1)", _TABLE.name, arguments.columns, query, parts[0], arguments.order
    )
    connections = []
    for part, partner_id, update in zip(parts, requested_ids, updates, strict=True):
        rows, total = pages.get(partner_id, ([], 0)) if partner_id else ([], 0)
        connections.append(part.connection(_nodes(rows), total if part.counts_total else UNSET, update))
    return connections


async def organisations_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Organisation | None]:
    """Return the organisations with these ids, in their order; None for one out of the caller's reach."""
    return await fetch_by_ids(connection, _BY_ID, (caller.subject_id, day), "org", ids, to_organisation)


def to_organisation(row: Row) -> Organisation:
    """Return the organisation of a row."""
    return Organisation(
        id=write_id("org", row["id"]),
        customer_number=row["customer_number"],
        name=row["name"],
        kind=OrganisationKind(row["kind"]),
        version=row["version"],
    )


class _ListArguments:
    """The filter and the order of a list of organisations."""

    def __init__(self, filter: OrganisationFilter | None, order: OrganisationOrder | None) -> None:
        self._filter, sorting = filter or OrganisationFilter(), order or _BY_NAME
        key = _SORT_COLUMNS[sorting.field]
        self.words = search_words(self._filter.search or "", "filter", "search")
        self.scope = sorting, msgspec.structs.replace(self._filter, search=None), self.words
        """The identity of the list."""
        self.columns = f"{_COLUMNS}, {key} AS sort_key"
        self.order = SortOrder((key, "o.id"), descending=sorting.direction is SortDirection.DESC)

    @property
    def restrictions(self) -> list[Restriction]:
        """The restrictions to ids and customer numbers."""
        restrictions = id_restrictions(("o.id", "org", self._filter.ids))
        if self._filter.customer_numbers is not None:
            numbers = sorted(set(self._filter.customer_numbers))
            restrictions.append(Restriction("o.customer_number", numbers, "text"))
        return restrictions

    def add_kinds(self, query: SqlQuery) -> None:
        """Add the condition on the kind to a query."""
        if self._filter.kinds is not None:
            query.where("o.kind = ANY ({})", sorted({one.value for one in self._filter.kinds}))


def _nodes(rows: Sequence[Row]) -> list[tuple[Sequence[object], Organisation]]:
    return [([row["sort_key"], row["id"]], to_organisation(row)) for row in rows]
