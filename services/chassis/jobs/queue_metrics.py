"""Gauges of the queue of jobs: those that are due, those that staff must look at, and the delay of the oldest."""

import asyncio
import contextlib

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics

_INTERVAL_S = 5
_QUEUE = """
    SELECT count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()) AS due,
           count(*) FILTER (WHERE status = 'failed') AS held,
           coalesce(extract(epoch FROM now() - min(execute_after) FILTER (WHERE status = 'queued')), 0) AS delay
    FROM chassis.pgqueuer
"""


async def update_queue_metrics(pool: Pool, stop: asyncio.Event) -> None:
    """Update the gauges every five seconds until ``stop`` is set."""
    while not stop.is_set():
        with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
            row = await pool.fetchrow(_QUEUE)
            assert row is not None
            metrics.JOBS_DUE.set(row["due"])
            metrics.JOBS_HELD.set(row["held"])
            metrics.JOB_DELAY_SECONDS.set(max(0.0, float(row["delay"])))
        await pause(stop, _INTERVAL_S)
