"""Lists and look-ups of organisations, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec

from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import fetch_reached, id_restrictions
from services.access.reach import Restriction, ScopedTable
from services.access.search import search_condition
from services.access.updates import ListedTable, Reader
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.search_words import search_words
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
    asked, order = filter or OrganisationFilter(), order or _BY_NAME
    words = search_words(asked.search or "", "filter", "search")
    conditions = msgspec.structs.replace(asked, search=None)
    part: KeysetPage[Organisation] = KeysetPage(page, (str, uuid.UUID), "organisations", order, conditions, words)
    query = SqlQuery(caller.subject_id, day)
    if asked.kinds is not None:
        query.where("o.kind = ANY ({})", sorted({one.value for one in asked.kinds}))
    restrictions = id_restrictions(("o.id", "org", asked.ids))
    if asked.customer_numbers is not None:
        restrictions.append(Restriction("o.customer_number", sorted(set(asked.customer_numbers)), "text"))
    key = _SORT_COLUMNS[order.field]
    rows, total, updates = await fetch_reached(
        connection,
        _TABLE,
        f"{_COLUMNS}, {key} AS sort_key",
        query,
        part,
        SortOrder((key, "o.id"), descending=order.direction is SortDirection.DESC),
        reader=Reader(caller, day, _LISTED),
        restrictions=restrictions,
        search=search_condition(query, "o", words),
    )
    return part.connection([([row["sort_key"], row["id"]], to_organisation(row)) for row in rows], total, updates)


async def organisations_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Organisation | None]:
    """Return the organisations with these ids, in their order; None for one out of the caller's reach."""
    requested_ids = [find_id("org", text) for text in ids]
    rows = await connection.fetch(
        _BY_ID, caller.subject_id, day, [requested for requested in requested_ids if requested]
    )
    found = {row["id"]: to_organisation(row) for row in rows}
    return [found.get(requested) if requested else None for requested in requested_ids]


def to_organisation(row: Row) -> Organisation:
    """Return the organisation of a row."""
    return Organisation(
        id=write_id("org", row["id"]),
        customer_number=row["customer_number"],
        name=row["name"],
        kind=OrganisationKind(row["kind"]),
        version=row["version"],
    )
