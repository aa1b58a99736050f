"""Entries of threads in PostgreSQL."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.support.domain.ticket import EntryRecord

ENTRY_COLUMNS = "e.id, e.ticket_id, e.kind, e.channel, e.author_id, e.text, e.at, e.file_ids"
_ADD = """
    INSERT INTO ticket_entries (id, ticket_id, kind, channel, author_id, text, at, file_ids)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_BY_ID = f"SELECT {ENTRY_COLUMNS} FROM ticket_entries e WHERE e.id = $1"
_CUSTOMERS = """
    SELECT DISTINCT author_id FROM ticket_entries
    WHERE ticket_id = $1 AND kind = 'MESSAGE' AND channel = 'PORTAL' AND author_id IS NOT NULL
"""
_NEWEST = """
    SELECT at FROM ticket_entries WHERE author_id = $1 AND at > $3 ORDER BY at DESC OFFSET $2 - 1 LIMIT 1
"""


class PostgresEntryRepository:
    """Implements ``usecases.ports.entries.EntryRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, entry: EntryRecord) -> None:
        await self._connection.execute(_ADD, *to_row(entry))

    async def by_id(self, entry_id: uuid.UUID) -> EntryRecord | None:
        row = await self._connection.fetchrow(_BY_ID, entry_id)
        return to_entry(row) if row else None

    async def customers_of(self, ticket_id: uuid.UUID) -> Sequence[uuid.UUID]:
        return [row["author_id"] for row in await self._connection.fetch(_CUSTOMERS, ticket_id)]

    async def nth_newest_of_author(self, author_id: uuid.UUID, n: int, since: dt.datetime) -> dt.datetime | None:
        at: dt.datetime | None = await self._connection.fetchval(_NEWEST, author_id, n, since)
        return at


def to_entry(row: Row) -> EntryRecord:
    """Return the entry of a row with ``ENTRY_COLUMNS``."""
    return from_row(EntryRecord, row)
