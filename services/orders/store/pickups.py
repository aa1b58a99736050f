"""Recorded pickups in PostgreSQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.contracts.sites import Fraction
from services.orders.domain.pickup import PickupOutcome, PickupRecord, RecordedPickup

_COLUMNS = """
    id, agreement_id, order_id, date, planned_on, state, done_at, grams, failure, version, article_id, fraction
"""
_RECORDED = f"SELECT {_COLUMNS}, organisation_id, site_id FROM pickups"
_LOCK_BY_ID = f"{_RECORDED} WHERE id = ANY ($1) ORDER BY id FOR UPDATE"
_BETWEEN = f"""
    SELECT {_COLUMNS} FROM pickups WHERE agreement_id = ANY ($1) AND date BETWEEN $2 AND $3
    UNION
    SELECT {_COLUMNS} FROM pickups WHERE agreement_id = ANY ($1) AND planned_on BETWEEN $2 AND $3
"""
_BY_ID = f"SELECT {_COLUMNS} FROM pickups WHERE id = ANY ($1)"
_AFTER = f"{_RECORDED} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_SAVE = """
    INSERT INTO pickups (id, agreement_id, order_id, date, planned_on, state, done_at, grams, failure, version,
                         organisation_id, site_id, article_id, fraction)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (id) DO UPDATE SET
        state = excluded.state, done_at = excluded.done_at, grams = excluded.grams, failure = excluded.failure,
        version = excluded.version
"""


def _to_pickup(row: Row) -> PickupRecord:
    return PickupRecord(
        id=row["id"],
        agreement_id=row["agreement_id"],
        order_id=row["order_id"],
        date=row["date"],
        planned_on=row["planned_on"],
        outcome=from_row(PickupOutcome, row),
        version=row["version"],
        article_id=row["article_id"],
        fraction=Fraction(row["fraction"]),
    )


def _to_recorded(row: Row) -> RecordedPickup:
    return RecordedPickup(
        pickup=_to_pickup(row),
        organisation_id=row["organisation_id"],
        site_id=row["site_id"],
        article_id=row["article_id"],
        fraction=Fraction(row["fraction"]),
    )


class PostgresPickupRepository:
    """Implements ``usecases.ports.pickups.PickupRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def lock_by_id(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, RecordedPickup]:
        return {row["id"]: _to_recorded(row) for row in await self._connection.fetch(_LOCK_BY_ID, list(ids))}

    async def by_id(self, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, PickupRecord]:
        """Return those of these pickups that are recorded."""
        return {row["id"]: _to_pickup(row) for row in await self._connection.fetch(_BY_ID, list(ids))}

    async def between(self, agreement_ids: Sequence[uuid.UUID], since: dt.date, until: dt.date) -> list[PickupRecord]:
        """Return the recorded pickups of these agreements that were planned or done on these days."""
        return [_to_pickup(row) for row in await self._connection.fetch(_BETWEEN, agreement_ids, since, until)]

    async def after(self, after: uuid.UUID, limit: int) -> list[RecordedPickup]:
        return [_to_recorded(row) for row in await self._connection.fetch(_AFTER, after, limit)]

    async def save(self, pickups: Sequence[RecordedPickup]) -> None:
        await self._connection.executemany(
            _SAVE,
            [
                (
                    pickup.id,
                    pickup.agreement_id,
                    pickup.order_id,
                    pickup.date,
                    pickup.planned_on,
                    *to_row(pickup.outcome),
                    pickup.version,
                    recorded.organisation_id,
                    recorded.site_id,
                    recorded.article_id,
                    recorded.fraction.value,
                )
                for recorded in pickups
                for pickup in [recorded.pickup]
            ],
        )
