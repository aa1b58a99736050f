"""What was recorded of pickups, and the reports that it comes from."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.contracts.orders import PickupState
from services.contracts.sites import Fraction
from services.orders.domain.pickup import PickupOutcome, PickupRecord, RecordedPickup, Report
from services.orders.store.rows import from_row, to_row

_COLUMNS = "id, agreement_id, order_id, date, planned_on, state, done_at, grams, failure, version"
_BY_ID = f"SELECT {_COLUMNS} FROM pickups WHERE id = ANY ($1) ORDER BY id FOR UPDATE"
_BETWEEN = f"""
    SELECT {_COLUMNS} FROM pickups WHERE agreement_id = ANY ($1) AND date BETWEEN $2 AND $3
    UNION
    SELECT {_COLUMNS} FROM pickups WHERE agreement_id = ANY ($1) AND planned_on BETWEEN $2 AND $3
"""
_AFTER = f"""
    SELECT {_COLUMNS}, organisation_id, site_id, article_id, fraction FROM pickups
    WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE
"""
_SAVE = """
    INSERT INTO pickups (id, agreement_id, order_id, date, planned_on, state, done_at, grams, failure, version,
                         organisation_id, site_id, article_id, fraction)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (id) DO UPDATE SET
        state = excluded.state, done_at = excluded.done_at, grams = excluded.grams, failure = excluded.failure,
        version = excluded.version, organisation_id = excluded.organisation_id, site_id = excluded.site_id,
        article_id = excluded.article_id, fraction = excluded.fraction
"""
_REPORT_COLUMNS = "reporter, report_id, pickup_id, kind, at, grams, reason, digest"
_REPORTS_BY_ID = f"SELECT {_REPORT_COLUMNS} FROM reports WHERE reporter = $1 AND report_id = ANY ($2)"
_REPORTS_OF_PICKUPS = f"SELECT {_REPORT_COLUMNS} FROM reports WHERE pickup_id = ANY ($1)"
_SAVE_REPORT = """
    INSERT INTO reports (reporter, report_id, pickup_id, kind, at, grams, reason, digest)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (reporter, report_id) DO UPDATE SET
        kind = excluded.kind, at = excluded.at, grams = excluded.grams, reason = excluded.reason,
        digest = excluded.digest
"""


async def pickups_by_id(connection: DatabaseConnection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PickupRecord]:
    """What was recorded of these pickups, locked."""
    return {row["id"]: _to_pickup(row) for row in await connection.fetch(_BY_ID, list(ids))}


async def pickups_between(
    connection: DatabaseConnection, agreement_ids: Sequence[uuid.UUID], since: dt.date, until: dt.date
) -> list[PickupRecord]:
    """What was recorded of these agreements' pickups that were planned or done on these days."""
    return [_to_pickup(row) for row in await connection.fetch(_BETWEEN, agreement_ids, since, until)]


async def pickups_after(connection: DatabaseConnection, after: uuid.UUID, limit: int) -> list[RecordedPickup]:
    """The pickups with the next ids, of which something was recorded, locked against change."""
    return [
        RecordedPickup(
            pickup=_to_pickup(row),
            organisation_id=row["organisation_id"],
            site_id=row["site_id"],
            article_id=row["article_id"],
            fraction=Fraction(row["fraction"]),
        )
        for row in await connection.fetch(_AFTER, after, limit)
    ]


async def save_pickups(connection: DatabaseConnection, records: Sequence[RecordedPickup]) -> None:
    """Keep what was recorded of these pickups."""
    await connection.executemany(
        _SAVE,
        [
            (
                one.id,
                one.agreement_id,
                one.order_id,
                one.date,
                one.planned_on,
                *to_row(one.outcome),
                one.version,
                record.organisation_id,
                record.site_id,
                record.article_id,
                record.fraction.value,
            )
            for record in records
            for one in [record.pickup]
        ],
    )


async def reports_by_id(
    connection: DatabaseConnection, reporter: str, report_ids: Collection[str]
) -> dict[str, Report]:
    """A reporter's reports with these ids."""
    rows = await connection.fetch(_REPORTS_BY_ID, reporter, list(report_ids))
    return {row["report_id"]: from_row(Report, row) for row in rows}


async def reports_of_pickups(
    connection: DatabaseConnection, pickup_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[Report]]:
    """Every report of these pickups."""
    found: dict[uuid.UUID, list[Report]] = {}
    for row in await connection.fetch(_REPORTS_OF_PICKUPS, list(pickup_ids)):
        found.setdefault(row["pickup_id"], []).append(from_row(Report, row))
    return found


async def save_reports(connection: DatabaseConnection, reports: Sequence[Report]) -> None:
    """Keep these reports."""
    await connection.executemany(_SAVE_REPORT, [to_row(report) for report in reports])


def _to_pickup(row: Row) -> PickupRecord:
    return PickupRecord(
        id=row["id"],
        agreement_id=row["agreement_id"],
        order_id=row["order_id"],
        date=row["date"],
        planned_on=row["planned_on"],
        outcome=PickupOutcome(
            state=PickupState(row["state"]), done_at=row["done_at"], grams=row["grams"], failure=row["failure"]
        ),
        version=row["version"],
    )
