"""Due receipts in PostgreSQL."""

import uuid

from services.chassis.db.postgres import DatabaseConnection

_ADD = "INSERT INTO receipts (ticket_id, user_id) VALUES ($1, $2)"
_RECIPIENT = "SELECT user_id FROM receipts WHERE ticket_id = $1"
_DELETE = "DELETE FROM receipts WHERE ticket_id = $1 RETURNING true"


class PostgresReceiptRepository:
    """Implements ``usecases.ports.receipts.ReceiptRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, ticket_id: uuid.UUID, user_id: uuid.UUID) -> None:
        await self._connection.execute(_ADD, ticket_id, user_id)

    async def recipient(self, ticket_id: uuid.UUID) -> uuid.UUID | None:
        user_id: uuid.UUID | None = await self._connection.fetchval(_RECIPIENT, ticket_id)
        return user_id

    async def complete(self, ticket_id: uuid.UUID) -> bool:
        return bool(await self._connection.fetchval(_DELETE, ticket_id))
