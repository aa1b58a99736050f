"""The audit log, in SQL."""

import datetime as dt

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import new_uuid

_ADD = "INSERT INTO audit (id, at, actor, action, subject) VALUES ($1, $2, $3, $4, $5)"


class PostgresAuditLog:
    """Implements ``usecases.ports.audit.AuditLog``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, actor: str, action: str, subject: str, now: dt.datetime) -> None:
        await self._connection.execute(_ADD, new_uuid(), now, actor, action, subject)
