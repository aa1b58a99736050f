"""Lists and look-ups of tickets, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import fetch_reached, id_restrictions
from services.access.reach import Restriction, ScopedTable
from services.access.search import search_condition
from services.access.updates import Reader
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.lookup import fetch_by_ids
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.search_words import search_words
from services.chassis.db.updates import ListedTable
from services.contracts.support.tickets import Ticket, TicketFilter, TicketOrder, TicketOrderField
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection
from services.support.mapping.responses import ticket_response
from services.support.store.tickets import TICKET_COLUMNS, to_ticket

_VISIBLE = visible("t.organisation_id", "t.site_id")
_TABLE = ScopedTable(name="tickets t", organisation="t.organisation_id", site="t.site_id")
_LISTED = ListedTable(list="tickets", prefix="ticket")
_SORT_COLUMNS = {TicketOrderField.OPENED_AT: "t.opened_at"}
_LATEST_FIRST = TicketOrder(field=TicketOrderField.OPENED_AT, direction=SortDirection.DESC)
# The first message of a ticket is the entry with its id.
_COLUMNS = f"{TICKET_COLUMNS}, (SELECT e.text FROM ticket_entries e WHERE e.id = t.id) AS message"
_BY_ID = f"SELECT {_COLUMNS} FROM tickets t WHERE {_VISIBLE} AND t.id = ANY ($3)"


async def tickets(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    page: Page,
    filter: TicketFilter | None,
    order: TicketOrder | None,
) -> RelayConnection[Ticket]:
    """Return a page of the tickets of sites that the caller reaches."""
    asked, order = filter or TicketFilter(), order or _LATEST_FIRST
    keyset_page: KeysetPage[Ticket] = KeysetPage(page, (TimestampKey, uuid.UUID), "tickets", order, asked)
    query = SqlQuery(caller.subject_id, day)
    restrictions = id_restrictions(
        ("t.assigned_to", "user", asked.assignee_ids),
        ("t.site_id", "site", asked.site_ids),
        ("t.organisation_id", "org", asked.organisation_ids),
    )
    if asked.states is not None:
        states = sorted({one.value for one in asked.states})
        if caller.staff:
            # Few of all tickets are open: those of a state are found by its index.
            restrictions.append(Restriction("t.state", states, "text"))
        else:
            query.where("t.state = ANY ({})", states)
    if asked.topics is not None:
        query.where("t.topic = ANY ({})", sorted({one.value for one in asked.topics}))
    if asked.channels is not None:
        query.where("t.channel = ANY ({})", sorted({one.value for one in asked.channels}))
    if asked.assigned is not None:
        query.where("(t.assigned_to IS NOT NULL) = {}", asked.assigned)
    words = search_words(asked.search, "filter", "search") if asked.search is not None else ()
    rows, total, updates = await fetch_reached(
        connection,
        _TABLE,
        _COLUMNS,
        query,
        keyset_page,
        SortOrder((_SORT_COLUMNS[order.field], "t.id"), descending=order.direction is SortDirection.DESC),
        reader=Reader(caller, day, _LISTED),
        restrictions=restrictions,
        search=search_condition(query, "t", words),
    )
    nodes = [([row["opened_at"], row["id"]], _to_response(row)) for row in rows]
    return keyset_page.connection(nodes, total, updates)


async def tickets_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Ticket | None]:
    """Return the tickets with these ids, in their order; None for a ticket that the caller does not reach."""
    return await fetch_by_ids(connection, _BY_ID, (caller.subject_id, day), "ticket", ids, _to_response)


def _to_response(row: Row) -> Ticket:
    return ticket_response(to_ticket(row), row["message"])
