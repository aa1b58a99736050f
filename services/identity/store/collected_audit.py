"""The audit entries of all services, in SQL."""

from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import read_id
from services.contracts.audit import AuditRecorded

_ADD = """
    INSERT INTO collected_audit (id, service, at, actor, acting_for, action, subject, organisation_id, outcome)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
                         $8::uuid[], $9::text[])
    ORDER BY 1 ON CONFLICT (id) DO NOTHING
"""


class PostgresCollectedAuditRepository:
    """Implements ``usecases.ports.collected_audit.CollectedAuditRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, entries: Sequence[tuple[str, AuditRecorded]]) -> None:
        rows = [
            (
                read_id("audit", entry.entry_id),
                service,
                entry.at,
                entry.actor,
                entry.acting_for,
                entry.action,
                entry.subject_id,
                entry.organisation_id and read_id("org", entry.organisation_id),
                entry.outcome.value,
            )
            for service, entry in entries
        ]
        await self._connection.execute(_ADD, *map(list, zip(*rows, strict=True)))
