"""The volumes in PostgreSQL: the rollup of the pickups that count."""

from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import to_row
from services.stats.domain.pickup import VolumeDelta

_ADD = """
    INSERT INTO volumes AS v (organisation_id, day, site_id, article_id, fraction, grams, pickups)
    SELECT l.organisation_id, l.day, l.site_id, l.article_id, l.fraction, sum(l.grams), sum(l.pickups)
    FROM unnest($1::uuid[], $2::date[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[])
         AS l (organisation_id, day, site_id, article_id, fraction, grams, pickups)
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(l.grams) <> 0 OR sum(l.pickups) <> 0 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (organisation_id, day, site_id, article_id, fraction) DO UPDATE
    SET grams = v.grams + excluded.grams, pickups = v.pickups + excluded.pickups
"""
# A writer changes its facts before the volumes. Once the volumes are locked, the recount sees both changes of a writer,
# or the writer waits and adds its own to the volumes that were recounted.
_LOCK = "LOCK TABLE volumes IN SHARE ROW EXCLUSIVE MODE"
_RECOUNT = """
    MERGE INTO volumes v
    USING (
        SELECT organisation_id, counted_on AS day, site_id, article_id, fraction,
               sum(coalesce(grams, 0))::bigint AS grams, count(*) AS pickups
        FROM pickups WHERE counted_on IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    ) AS f
    ON (v.organisation_id, v.day, v.site_id) = (f.organisation_id, f.day, f.site_id)
       AND v.article_id IS NOT DISTINCT FROM f.article_id AND v.fraction IS NOT DISTINCT FROM f.fraction
    WHEN MATCHED AND (v.grams, v.pickups) <> (f.grams, f.pickups) THEN
        UPDATE SET grams = f.grams, pickups = f.pickups
    WHEN NOT MATCHED THEN
        INSERT VALUES (f.organisation_id, f.day, f.site_id, f.article_id, f.fraction, f.grams, f.pickups)
    WHEN NOT MATCHED BY SOURCE THEN DELETE
"""
_RECOUNT_TIMEOUT_S = 3600


class PostgresVolumeRepository:
    """Implements ``usecases.ports.volumes.VolumeRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, deltas: Sequence[VolumeDelta]) -> None:
        if deltas:
            await self._connection.execute(_ADD, *map(list, zip(*map(to_row, deltas), strict=True)))

    async def recount(self) -> None:
        """Make every volume the sum of its facts (T10). Readers see the old volumes until the commit."""
        await self._connection.execute(_LOCK)
        await self._connection.execute(_RECOUNT, timeout=_RECOUNT_TIMEOUT_S)
