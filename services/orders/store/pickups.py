"""What was recorded of pickups, and the reports that it comes from."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

from services.chassis.postgres import Connection, Row
from services.contracts.orders import PickupState
from services.orders.domain.pickup import Outcome, PickupRecord, Report
from services.orders.store.rows import read, write

_COLUMNS = "id, agreement_id, order_id, date, planned_on, state, done_at, grams, failure, version"
_BY_ID = f"SELECT {_COLUMNS} FROM pickups WHERE id = ANY ($1) FOR UPDATE"
_BETWEEN = f"""
    SELECT {_COLUMNS} FROM pickups WHERE agreement_id = ANY ($1) AND date BETWEEN $2 AND $3
    UNION
    SELECT {_COLUMNS} FROM pickups WHERE agreement_id = ANY ($1) AND planned_on BETWEEN $2 AND $3
"""
_SAVE = """
    INSERT INTO pickups (id, agreement_id, order_id, date, planned_on, state, done_at, grams, failure, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (id) DO UPDATE SET
        state = excluded.state, done_at = excluded.done_at, grams = excluded.grams, failure = excluded.failure,
        version = excluded.version
"""
_REPORT_COLUMNS = "reporter, report_id, pickup_id, kind, at, grams, reason, digest"
_REPORTS_BY_ID = f"SELECT {_REPORT_COLUMNS} FROM reports WHERE reporter = $1 AND report_id = ANY ($2)"
_REPORTS_OF = f"SELECT {_REPORT_COLUMNS} FROM reports WHERE pickup_id = ANY ($1)"
_SAVE_REPORT = """
    INSERT INTO reports (reporter, report_id, pickup_id, kind, at, grams, reason, digest)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (reporter, report_id) DO UPDATE SET
        kind = excluded.kind, at = excluded.at, grams = excluded.grams, reason = excluded.reason,
        digest = excluded.digest
"""


async def by_id(connection: Connection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PickupRecord]:
    """What was recorded of these pickups, locked."""
    return {row["id"]: _pickup(row) for row in await connection.fetch(_BY_ID, list(ids))}


async def between(
    connection: Connection, agreement_ids: Sequence[uuid.UUID], since: dt.date, until: dt.date
) -> list[PickupRecord]:
    """What was recorded of these agreements' pickups that were planned or done on these days."""
    return [_pickup(row) for row in await connection.fetch(_BETWEEN, agreement_ids, since, until)]


async def save(connection: Connection, records: Sequence[PickupRecord]) -> None:
    """Keep what was recorded of these pickups."""
    await connection.executemany(
        _SAVE,
        [
            (
                record.id,
                record.agreement_id,
                record.order_id,
                record.date,
                record.planned_on,
                *write(record.outcome),
                record.version,
            )
            for record in records
        ],
    )


async def reports_by_id(connection: Connection, reporter: str, report_ids: Collection[str]) -> dict[str, Report]:
    """A reporter's reports with these ids."""
    rows = await connection.fetch(_REPORTS_BY_ID, reporter, list(report_ids))
    return {row["report_id"]: read(Report, row) for row in rows}


async def reports_of(connection: Connection, pickup_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Report]]:
    """Every report of these pickups."""
    found: dict[uuid.UUID, list[Report]] = {}
    for row in await connection.fetch(_REPORTS_OF, list(pickup_ids)):
        found.setdefault(row["pickup_id"], []).append(read(Report, row))
    return found


async def save_reports(connection: Connection, reports: Sequence[Report]) -> None:
    """Keep these reports."""
    await connection.executemany(_SAVE_REPORT, [write(report) for report in reports])


def _pickup(row: Row) -> PickupRecord:
    return PickupRecord(
        id=row["id"],
        agreement_id=row["agreement_id"],
        order_id=row["order_id"],
        date=row["date"],
        planned_on=row["planned_on"],
        outcome=Outcome(
            state=PickupState(row["state"]), done_at=row["done_at"], grams=row["grams"], failure=row["failure"]
        ),
        version=row["version"],
    )
