"""Reports of pickups in PostgreSQL."""

import uuid
from collections.abc import Collection, Iterable, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.orders.domain.pickup import Report

_COLUMNS = "reporter, report_id, pickup_id, kind, at, grams, reason, digest"
_BY_ID = f"SELECT {_COLUMNS} FROM reports WHERE reporter = $1 AND report_id = ANY ($2)"
_OF_PICKUPS = f"SELECT {_COLUMNS} FROM reports WHERE pickup_id = ANY ($1)"
_SAVE = """
    INSERT INTO reports (reporter, report_id, pickup_id, kind, at, grams, reason, digest)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (reporter, report_id) DO UPDATE SET
        kind = excluded.kind, at = excluded.at, grams = excluded.grams, reason = excluded.reason,
        digest = excluded.digest
"""
_LOCK_REPORTER = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


class PostgresReportRepository:
    """Implements ``usecases.ports.reports.ReportRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def lock_reporter(self, subject_id: str) -> None:
        await self._connection.execute(_LOCK_REPORTER, subject_id)

    async def by_id(self, reporter: str, report_ids: Collection[str]) -> dict[str, Report]:
        rows = await self._connection.fetch(_BY_ID, reporter, list(report_ids))
        return {row["report_id"]: from_row(Report, row) for row in rows}

    async def of_pickups(self, pickup_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Report]]:
        reports: dict[uuid.UUID, list[Report]] = {}
        for row in await self._connection.fetch(_OF_PICKUPS, list(pickup_ids)):
            reports.setdefault(row["pickup_id"], []).append(from_row(Report, row))
        return reports

    async def save(self, reports: Sequence[Report]) -> None:
        await self._connection.executemany(_SAVE, [to_row(report) for report in reports])
