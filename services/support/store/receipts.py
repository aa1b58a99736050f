"""Due receipts in PostgreSQL."""

import uuid

from services.chassis.db.postgres import DatabaseConnection
from services.support.domain.receipt import DueReceipt

_ADD = "INSERT INTO receipts (ticket_id, user_id) VALUES ($1, $2)"
_CLAIM = """
    UPDATE receipts SET attempts = attempts + 1, next_try = clock_timestamp() + make_interval(secs => $1)
    WHERE ticket_id = (SELECT ticket_id FROM receipts WHERE next_try <= clock_timestamp()
                       ORDER BY next_try LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING ticket_id, user_id, attempts
"""
_POSTPONE = """
    UPDATE receipts SET next_try = clock_timestamp() + make_interval(secs => $2) WHERE ticket_id = $1
"""
_DELETE = "DELETE FROM receipts WHERE ticket_id = $1 RETURNING true"


class PostgresReceiptRepository:
    """Implements ``usecases.ports.receipts.ReceiptRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, ticket_id: uuid.UUID, user_id: uuid.UUID) -> None:
        await self._connection.execute(_ADD, ticket_id, user_id)

    async def claim(self, seconds: int) -> DueReceipt | None:
        row = await self._connection.fetchrow(_CLAIM, seconds)
        return DueReceipt(**dict(row)) if row else None

    async def postpone(self, ticket_id: uuid.UUID, seconds: int) -> None:
        await self._connection.execute(_POSTPONE, ticket_id, seconds)

    async def complete(self, ticket_id: uuid.UUID) -> bool:
        return bool(await self._connection.fetchval(_DELETE, ticket_id))
