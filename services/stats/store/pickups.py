"""Pickups as facts in PostgreSQL."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import to_row
from services.contracts.sites import Fraction
from services.stats.domain.pickup import PickupFact, VolumeDelta

# One statement locks the facts in the order of ids, replaces them and returns what the older versions counted (``old``
# in RETURNING needs PostgreSQL 18).
_UPSERT = """
    INSERT INTO pickups (id, organisation_id, site_id, agreement_id, order_id, article_id, fraction, date, state,
                         done_at, grams, version, counted_on)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::date[],
                         $9::text[], $10::timestamptz[], $11::bigint[], $12::bigint[], $13::date[])
    ORDER BY 1
    ON CONFLICT (id) DO UPDATE SET
        organisation_id = excluded.organisation_id, site_id = excluded.site_id, agreement_id = excluded.agreement_id,
        order_id = excluded.order_id, article_id = excluded.article_id, fraction = excluded.fraction,
        date = excluded.date, state = excluded.state, done_at = excluded.done_at, grams = excluded.grams,
        version = excluded.version, counted_on = excluded.counted_on, doubted = false
    WHERE pickups.version < excluded.version OR pickups.doubted
    RETURNING new.id, old.organisation_id, old.counted_on, old.site_id, old.article_id, old.fraction, old.grams
"""


class PostgresPickupFactRepository:
    """Implements ``usecases.ports.pickups.PickupFactRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, pickups: Sequence[tuple[PickupFact, dt.date | None]]) -> dict[uuid.UUID, VolumeDelta | None]:
        columns = zip(*[(*to_row(pickup), day) for pickup, day in pickups], strict=True)
        return {row["id"]: _to_volume_delta(row) for row in await self._connection.fetch(_UPSERT, *map(list, columns))}


def _to_volume_delta(old: Row) -> VolumeDelta | None:
    if old["counted_on"] is None:
        return None
    return VolumeDelta(
        organisation_id=old["organisation_id"],
        day=old["counted_on"],
        site_id=old["site_id"],
        article_id=old["article_id"],
        fraction=Fraction(old["fraction"]) if old["fraction"] else None,
        grams=old["grams"] or 0,
        pickups=1,
    )
