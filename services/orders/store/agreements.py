"""Agreements, with what of their site decides about them."""

import uuid
from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.orders.domain.agreement import AgreementFacts, AgreementRecord
from services.orders.store.rows import from_row, to_row

COLUMNS = """
    a.id, a.version, s.organisation_id, s.municipality, s.version = 0 AS site_is_placeholder, a.agreement_number,
    a.site_id, a.container_id, a.article_id, a.route_number, a.fraction, a.litres, a.count, a.interval_weeks,
    a.ordered_on, a.first_pickup, a.ended_on
"""
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


async def find_agreements(
    connection: DatabaseConnection, condition: str, *values: object, lock: bool = False
) -> dict[uuid.UUID, AgreementRecord]:
    """The agreements (``a``, with their site ``s``) of a condition in SQL, by id; locked in that order, if wanted."""
    locked = "ORDER BY a.id FOR UPDATE OF a" if lock else ""
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM agreements a JOIN sites s ON s.id = a.site_id WHERE {condition} {locked}", *values
    )
    return {row["id"]: to_agreement(row) for row in rows}


def to_agreement(row: Row) -> AgreementRecord:
    """The agreement of a row with ``COLUMNS``."""
    return AgreementRecord(
        id=row["id"],
        version=row["version"],
        organisation_id=row["organisation_id"],
        municipality=row["municipality"],
        site_is_placeholder=row["site_is_placeholder"],
        facts=from_row(AgreementFacts, row),
    )


async def save_agreements(connection: DatabaseConnection, records: Sequence[AgreementRecord]) -> None:
    """Keep these agreements."""
    await connection.executemany(_SAVE, [(record.id, record.version, *to_row(record.facts)) for record in records])
