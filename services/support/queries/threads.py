"""The threads of tickets, with the caller's access joined in SQL ($1 caller, $2 day); only staff see notes."""

import datetime as dt
import uuid
from collections.abc import Sequence

from msgspec import UNSET

from services.access.caller import Caller
from services.access.decision import visible
from services.chassis.db.keyset_query import SortOrder, fetch_pages
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.files import file_rows
from services.chassis.files.download_token import DownloadTokens
from services.chassis.ids import find_id
from services.contracts.support.thread import (
    EntryKind,
    TicketEntry,
    TicketEntryFilter,
    TicketEntryOrder,
    TicketEntryOrderField,
)
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection
from services.support.mapping.responses import entry_response
from services.support.store.entries import ENTRY_COLUMNS, to_entry

_VISIBLE = visible("t.organisation_id", "t.site_id")
_BY_ID = f"""
    SELECT {ENTRY_COLUMNS} FROM ticket_entries e JOIN tickets t ON t.id = e.ticket_id
    WHERE e.id = ANY ($3) AND e.kind = ANY ($4) AND {_VISIBLE}
"""
_OLDEST_FIRST = TicketEntryOrder(field=TicketEntryOrderField.AT)


def _kinds_of(caller: Caller) -> list[str]:
    """Return the kinds of entries that the caller may see."""
    return [kind.value for kind in EntryKind if caller.staff or kind is not EntryKind.NOTE]


async def threads_of_tickets(
    connection: DatabaseConnection,
    caller: Caller,
    now: dt.datetime,
    day: dt.date,
    tokens: DownloadTokens,
    ticket_ids: Sequence[Id],
    page: Page,
    filter: TicketEntryFilter | None,
    order: TicketEntryOrder | None,
) -> list[RelayConnection[TicketEntry]]:
    """Return the same page of each ticket's thread.

    A cursor belongs to one ticket's thread: a page after a cursor is requested of one ticket.
    """
    asked, order = filter or TicketEntryFilter(), order or _OLDEST_FIRST
    keyset_pages: list[KeysetPage[TicketEntry]] = [
        KeysetPage(page, (TimestampKey, uuid.UUID), "threads", order, asked, text) for text in ticket_ids
    ]
    if not keyset_pages:
        return []
    part = keyset_pages[0]
    requested_ids = [find_id("ticket", text) for text in ticket_ids]
    query = SqlQuery(caller.subject_id, day, [ticket_id for ticket_id in requested_ids if ticket_id])
    query.where("e.ticket_id = t.id")
    query.where("e.kind = ANY ({})", _kinds_of(caller))
    if asked.kinds is not None:
        query.where("e.kind = ANY ({})", sorted({one.value for one in asked.kinds}))
    pages = await fetch_pages(
        connection,
        "tickets t",
        f"t.id = ANY ($3) AND {_VISIBLE}",
        "ticket_entries e",
        ENTRY_COLUMNS,
        query,
        part,
        SortOrder(("e.at", "e.id"), descending=order.direction is SortDirection.DESC),
    )
    entries = await _to_responses(connection, now, tokens, [row for rows, _ in pages.values() for row in rows])
    threads = []
    for keyset_page, ticket_id in zip(keyset_pages, requested_ids, strict=True):
        rows, total = pages.get(ticket_id, ([], 0)) if ticket_id else ([], 0)
        nodes = [([row["at"], row["id"]], entries[row["id"]]) for row in rows]
        threads.append(keyset_page.connection(nodes, total if part.counts_total else UNSET))
    return threads


async def entries_by_id(
    connection: DatabaseConnection,
    caller: Caller,
    now: dt.datetime,
    day: dt.date,
    tokens: DownloadTokens,
    ids: Sequence[Id],
) -> list[TicketEntry | None]:
    """Return the entries with these ids, in their order; None for an entry that the caller may not see."""
    requested_ids = [find_id("entry", text) for text in ids]
    rows = await connection.fetch(
        _BY_ID, caller.subject_id, day, [entry_id for entry_id in requested_ids if entry_id], _kinds_of(caller)
    )
    entries = await _to_responses(connection, now, tokens, rows)
    return [entries.get(entry_id) if entry_id else None for entry_id in requested_ids]


async def _to_responses(
    connection: DatabaseConnection, now: dt.datetime, tokens: DownloadTokens, rows: Sequence[Row]
) -> dict[uuid.UUID, TicketEntry]:
    records = [to_entry(row) for row in rows]
    files = await file_rows.find_kept(connection, {one for record in records for one in record.file_ids}, now)
    return {
        record.id: entry_response(
            record,
            [
                tokens.link(file.id, file.name, file.size)
                for file_id in record.file_ids
                if (file := files.get(file_id)) is not None
            ],
        )
        for record in records
    }
