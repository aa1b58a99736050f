"""Metrics of the events between commit and broker, updated every second, also while the broker is away."""

import asyncio
import contextlib

from services.chassis.db.acknowledgement import ACKNOWLEDGED_SEQUENCE
from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics

_BACKLOG = f"""
    WITH leader AS (SELECT last_sequence, {ACKNOWLEDGED_SEQUENCE} AS up_to FROM chassis.leader)
    SELECT (SELECT count(*) FROM chassis.outbox WHERE sequence IS NULL) AS unsequenced,
        CASE WHEN oldest IS NULL THEN 0 ELSE last_sequence - oldest.sequence + 1 END AS unpublished,
        coalesce(extract(epoch FROM clock_timestamp() - coalesce(oldest.written_at, (
            SELECT written_at FROM chassis.outbox WHERE sequence IS NULL ORDER BY position LIMIT 1
        ))), 0)::float8 AS seconds
    FROM leader LEFT JOIN LATERAL (
        SELECT sequence, written_at FROM chassis.outbox WHERE sequence > up_to ORDER BY sequence LIMIT 1
    ) AS oldest ON true
"""
_INTERVAL_S = 1.0


async def update_relay_metrics(pool: Pool, stop: asyncio.Event) -> None:
    """Update the metrics until ``stop`` is set."""
    while not stop.is_set():
        with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
            row = await pool.fetchrow(_BACKLOG)
            assert row is not None, "the first migration inserts the leader row"
            metrics.EVENTS_UNSEQUENCED.set(row["unsequenced"])
            metrics.EVENTS_UNPUBLISHED.set(row["unpublished"])
            metrics.RELAY_LAG_SECONDS.set(row["seconds"])
        await pause(stop, _INTERVAL_S)
