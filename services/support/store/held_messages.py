"""Messages that are held after a restore, in PostgreSQL."""

import datetime as dt
import uuid

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.chassis.events.publish.restore_detection import find_last_restore
from services.support.domain.held_message import HeldMessageRecord

HELD_COLUMNS = "id, kind, subject_id, organisation_id, site_id, caused_at, held_at, state, decided_by, decided_at"
_BY_ID = f"SELECT {HELD_COLUMNS} FROM held_messages WHERE id = $1"
_SAVE = f"""
    INSERT INTO held_messages ({HELD_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE
    SET held_at = excluded.held_at, state = excluded.state, decided_by = excluded.decided_by,
        decided_at = excluded.decided_at
"""


class PostgresHeldMessageRepository:
    """Implements ``usecases.ports.held_messages.HeldMessageRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def last_restore(self) -> dt.datetime | None:
        return await find_last_restore(self._connection)

    async def by_id(self, cause_id: uuid.UUID) -> HeldMessageRecord | None:
        row = await self._connection.fetchrow(_BY_ID, cause_id)
        return to_held_message(row) if row else None

    async def save(self, held: HeldMessageRecord) -> None:
        await self._connection.execute(_SAVE, *to_row(held))


def to_held_message(row: Row) -> HeldMessageRecord:
    """Return the record of a row."""
    return from_row(HeldMessageRecord, row)
