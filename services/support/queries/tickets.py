"""Lists and look-ups of tickets, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import fetch_reached, id_restrictions
from services.access.reach import ScopedTable, SortOrder
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.query import SqlQuery
from services.chassis.ids import find_id
from services.contracts.support import Ticket
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page
from services.support.mapping.responses import ticket_response
from services.support.store.tickets import TICKET_COLUMNS, to_ticket

_VISIBLE = visible("t.organisation_id", "t.site_id")
_TABLE = ScopedTable(name="tickets t", organisation="t.organisation_id", site="t.site_id")
_LATEST_FIRST = SortOrder(("t.opened_at", "t.id"), descending=True)
_BY_ID = f"SELECT {TICKET_COLUMNS} FROM tickets t WHERE {_VISIBLE} AND t.id = ANY ($3)"


async def tickets(
    connection: DatabaseConnection, caller: Caller, day: dt.date, page: Page, site_id: Id | None
) -> RelayConnection[Ticket]:
    """Return a page of the tickets of sites that the caller reaches, newest first."""
    keyset_page: KeysetPage[Ticket] = KeysetPage(page, (TimestampKey, uuid.UUID), "tickets", site_id)
    query = SqlQuery(caller.subject_id, day)
    rows, total = await fetch_reached(
        connection,
        _TABLE,
        TICKET_COLUMNS,
        query,
        keyset_page,
        _LATEST_FIRST,
        restrictions=id_restrictions(("t.site_id", "site", [site_id] if site_id else None)),
    )
    nodes = [([row["opened_at"], row["id"]], ticket_response(to_ticket(row))) for row in rows]
    return keyset_page.connection(nodes, total)


async def tickets_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Ticket | None]:
    """Return the tickets with these ids, in their order; None for a ticket that the caller does not reach."""
    requested_ids = [find_id("ticket", text) for text in ids]
    rows = await connection.fetch(
        _BY_ID, caller.subject_id, day, [ticket_id for ticket_id in requested_ids if ticket_id]
    )
    responses = {row["id"]: ticket_response(to_ticket(row)) for row in rows}
    return [responses.get(ticket_id) if ticket_id else None for ticket_id in requested_ids]
