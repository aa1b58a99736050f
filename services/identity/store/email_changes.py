"""Changes of address that are under way, in SQL."""

import uuid

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.identity.domain.email_change import EmailChange

_COLUMNS = "user_id, email, expires_at, new_confirmed, old_confirmed"
_OF = f"SELECT {_COLUMNS} FROM email_changes WHERE user_id = $1"
_SAVE = f"""
    INSERT INTO email_changes ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (user_id) DO UPDATE SET
        email = excluded.email, expires_at = excluded.expires_at, new_confirmed = excluded.new_confirmed,
        old_confirmed = excluded.old_confirmed
"""
_DELETE = "DELETE FROM email_changes WHERE user_id = $1"


class PostgresEmailChangeRepository:
    """Implements ``usecases.ports.email_changes.EmailChangeRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def of(self, user_id: uuid.UUID) -> EmailChange | None:
        row = await self._connection.fetchrow(_OF, user_id)
        return from_row(EmailChange, row) if row else None

    async def save(self, change: EmailChange) -> None:
        await self._connection.execute(_SAVE, *to_row(change))

    async def delete(self, user_id: uuid.UUID) -> None:
        await self._connection.execute(_DELETE, user_id)
