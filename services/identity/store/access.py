"""The copy of access in identity's own database."""

from services.access import copy
from services.chassis.db.postgres import DatabaseConnection
from services.contracts.identity.events import AccessStated


class PostgresAccessRepository:
    """Implements ``usecases.ports.access.AccessRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, stated: AccessStated) -> None:
        await copy.upsert_access(self._connection, stated)
