"""The operator's staff in the copy of access."""

from services.chassis.db.postgres import DatabaseConnection
from services.contracts.values import Id

_IS_ACTIVE = "SELECT true FROM access.subjects WHERE subject_id = $1 AND kind = 'STAFF' AND active"


class PostgresStaffDirectory:
    """Implements ``usecases.ports.staff.StaffDirectory``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def is_active(self, user_id: Id) -> bool:
        return bool(await self._connection.fetchval(_IS_ACTIVE, user_id))
