"""Routes in PostgreSQL."""

from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.orders.domain.routes import Route

_BY_NUMBER = """
    SELECT route_number, area, fraction, weekdays, week_interval, first_week, valid_from, valid_until
    FROM routes WHERE route_number = ANY ($1)
"""
_SAVE = """
    INSERT INTO routes (route_number, area, fraction, weekdays, week_interval, first_week, valid_from, valid_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (route_number) DO UPDATE SET
        area = excluded.area, fraction = excluded.fraction, weekdays = excluded.weekdays,
        week_interval = excluded.week_interval, first_week = excluded.first_week, valid_from = excluded.valid_from,
        valid_until = excluded.valid_until
"""


class PostgresRouteRepository:
    """Implements ``usecases.ports.routes.RouteRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def by_number(self, numbers: Collection[str]) -> dict[str, Route]:
        rows = await self._connection.fetch(_BY_NUMBER, list(numbers))
        return {row["route_number"]: from_row(Route, row) for row in rows}

    async def save(self, routes: Sequence[Route]) -> None:
        await self._connection.executemany(_SAVE, [to_row(route) for route in routes])
