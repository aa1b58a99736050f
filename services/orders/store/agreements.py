"""Agreements, with the facts of their sites that decide about them, in PostgreSQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from services.access.caller import Caller
from services.access.decision import visible
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.orders.domain.agreement import AgreementFacts, AgreementRecord

COLUMNS = """
    a.id, a.version, s.organisation_id, s.municipality, s.version = 0 AS site_is_placeholder, a.agreement_number,
    a.site_id, a.container_id, a.article_id, a.route_number, a.fraction, a.litres, a.count, a.interval_weeks,
    a.ordered_on, a.first_pickup, a.ended_on
"""
_VISIBLE = f"{visible('s.organisation_id', 's.id')} AND a.id = ANY ($3)"
# The conditions of domain.cadence.Cadence.has.
_PLANNED_ON = f"""
    SELECT {COLUMNS} FROM agreements a JOIN sites s ON s.id = a.site_id
    WHERE a.id > $2 AND a.first_pickup <= $1 AND a.ordered_on <= $1 AND (a.ended_on IS NULL OR a.ended_on >= $1)
      AND ($1::date - a.first_pickup) % (7 * a.interval_weeks) = 0
    ORDER BY a.id LIMIT $3 FOR UPDATE OF a
"""
_IDS_BY_KEY = "SELECT pickup_key, id FROM agreements WHERE pickup_key = ANY ($1)"
_SAVE = """
    INSERT INTO agreements (id, version, agreement_number, site_id, container_id, article_id, route_number, fraction,
                            litres, count, interval_weeks, ordered_on, first_pickup, ended_on)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, site_id = excluded.site_id, container_id = excluded.container_id,
        article_id = excluded.article_id, route_number = excluded.route_number, fraction = excluded.fraction,
        litres = excluded.litres, count = excluded.count, interval_weeks = excluded.interval_weeks,
        ordered_on = excluded.ordered_on, first_pickup = excluded.first_pickup, ended_on = excluded.ended_on
"""


def to_agreement(row: Row) -> AgreementRecord:
    """Return the agreement of a row with ``COLUMNS``."""
    return AgreementRecord(
        id=row["id"],
        version=row["version"],
        organisation_id=row["organisation_id"],
        municipality=row["municipality"],
        site_is_placeholder=row["site_is_placeholder"],
        facts=from_row(AgreementFacts, row),
    )


class PostgresAgreementRepository:
    """Implements ``usecases.ports.agreements.AgreementRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def find(self, condition: str, *values: object, lock: bool = False) -> dict[uuid.UUID, AgreementRecord]:
        """Return the agreements (``a``, site ``s``) of an SQL condition, by id; ``lock`` locks them in that order."""
        locked = "ORDER BY a.id FOR UPDATE OF a" if lock else ""
        rows = await self._connection.fetch(
            f"SELECT {COLUMNS} FROM agreements a JOIN sites s ON s.id = a.site_id WHERE {condition} {locked}", *values
        )
        return {row["id"]: to_agreement(row) for row in rows}

    async def by_id(self, agreement_id: uuid.UUID) -> AgreementRecord | None:
        return (await self.find("a.id = $1", agreement_id)).get(agreement_id)

    async def lock(self, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AgreementRecord]:
        return await self.find("a.id = ANY ($1)", list(ids), lock=True)

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, AgreementRecord]:
        agreements = await self.find("a.agreement_number = ANY ($1)", list(numbers), lock=True)
        return {agreement.facts.agreement_number: agreement for agreement in agreements.values()}

    async def lock_visible(
        self, caller: Caller, today: dt.date, ids: Collection[uuid.UUID]
    ) -> dict[uuid.UUID, AgreementRecord]:
        return await self.find(_VISIBLE, caller.subject_id, today, list(ids), lock=True)

    async def ids_by_key(self, keys: Collection[int]) -> dict[int, uuid.UUID]:
        return {row["pickup_key"]: row["id"] for row in await self._connection.fetch(_IDS_BY_KEY, list(keys))}

    async def planned_on(self, day: dt.date, after: uuid.UUID, limit: int) -> list[AgreementRecord]:
        rows = await self._connection.fetch(_PLANNED_ON, day, after, limit)
        return [to_agreement(row) for row in rows]

    async def save(self, agreements: Sequence[AgreementRecord]) -> None:
        await self._connection.executemany(
            _SAVE, [(agreement.id, agreement.version, *to_row(agreement.facts)) for agreement in agreements]
        )
