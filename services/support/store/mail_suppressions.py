"""Suppressed addresses in PostgreSQL."""

import datetime as dt
import uuid
from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.support.domain.limits import WINDOW
from services.support.domain.mail_suppression import PERIOD, MailSuppressionRecord

SUPPRESSION_COLUMNS = "id, address, recipient, reason, status, since"
_ADD = f"""
    INSERT INTO mail_suppressions ({SUPPRESSION_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (address) DO NOTHING
"""
_FORGET = "DELETE FROM mail_suppressions WHERE since <= $1"
_OF = f"SELECT {SUPPRESSION_COLUMNS} FROM mail_suppressions WHERE address = ANY ($1) AND since > $2"
_LOCK = f"SELECT {SUPPRESSION_COLUMNS} FROM mail_suppressions WHERE id = $1 FOR UPDATE"
_LIFT = "DELETE FROM mail_suppressions WHERE address = $1"
_COUNT_ANEW = "UPDATE messages SET bounced_at = NULL WHERE address = $1 AND bounced_at IS NOT NULL"

_ADD_RESUMPTION = "INSERT INTO mail_resumptions (user_id, at) VALUES ($1, $2)"
_FORGET_RESUMPTIONS = "DELETE FROM mail_resumptions WHERE at <= $1"
_NEWEST_RESUMPTION = (
    "SELECT at FROM mail_resumptions WHERE user_id = $1 AND at > $3 ORDER BY at DESC OFFSET $2 - 1 LIMIT 1"
)


def to_suppression(row: Row) -> MailSuppressionRecord:
    """Return the record of a row."""
    return from_row(MailSuppressionRecord, row)


class PostgresMailSuppressionRepository:
    """Implements ``usecases.ports.mail_suppressions.MailSuppressionRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, suppression: MailSuppressionRecord) -> None:
        await self._connection.execute(_FORGET, suppression.since - PERIOD)
        await self._connection.execute(_ADD, *to_row(suppression))

    async def of(self, addresses: Collection[str], now: dt.datetime) -> dict[str, MailSuppressionRecord]:
        rows = await self._connection.fetch(_OF, list(addresses), now - PERIOD)
        return {row["address"]: to_suppression(row) for row in rows}

    async def lock_by_id(self, suppression_id: uuid.UUID) -> MailSuppressionRecord | None:
        row = await self._connection.fetchrow(_LOCK, suppression_id)
        return to_suppression(row) if row else None

    async def lift(self, address: str) -> None:
        await self._connection.execute(_LIFT, address)
        await self._connection.execute(_COUNT_ANEW, address)

    async def add_resumption(self, user_id: str, now: dt.datetime) -> None:
        await self._connection.execute(_FORGET_RESUMPTIONS, now - WINDOW)
        await self._connection.execute(_ADD_RESUMPTION, user_id, now)

    async def nth_newest_resumption(self, user_id: str, n: int, since: dt.datetime) -> dt.datetime | None:
        at: dt.datetime | None = await self._connection.fetchval(_NEWEST_RESUMPTION, user_id, n, since)
        return at
