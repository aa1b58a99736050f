"""The queue of a service's jobs, written in the transaction that causes them."""

from collections.abc import Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.jobs.job import Job, name_of
from services.chassis.telemetry import tracing

CHANNEL = "ch_pgqueuer"
"""The channel on which the processes that run jobs are woken, after the commit."""
WAKE_UP = """
    SELECT pg_notify('ch_pgqueuer', json_build_object(
        'channel', 'ch_pgqueuer', 'operation', 'insert', 'sent_at', now(), 'table', 'pgqueuer', 'type',
        'table_changed_event'
    )::text)
"""

# The statement of PgQueuer's own client, whose import would take each process a third of a second.
_ENQUEUE = """
    WITH enqueued AS (
        INSERT INTO chassis.pgqueuer (entrypoint, payload, dedupe_key, headers, priority, status)
        SELECT name, payload, key, headers, 0, 'queued'
        FROM unnest($1::text[], $2::bytea[], $3::text[], $4::jsonb[])
            WITH ORDINALITY AS job (name, payload, key, headers, place)
        WHERE NOT EXISTS (SELECT FROM chassis.pgqueuer held WHERE held.dedupe_key = key AND held.status = 'failed')
        ORDER BY place
        ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL DO NOTHING
        RETURNING id, entrypoint
    )
    INSERT INTO chassis.pgqueuer_log (job_id, status, entrypoint, priority)
    SELECT id, 'queued', entrypoint, 0 FROM enqueued
"""


async def enqueue(
    connection: DatabaseConnection,
    jobs: Sequence[Job],
    *,
    unique: bool = False,
    traceparents: Sequence[str | None] = (),
) -> None:
    """Enqueue jobs in the present transaction; a ``unique`` one is left out if the queue has it already.

    ``traceparents`` are those of the works that caused the jobs, if that is not the present one.
    """
    payloads = [msgspec.json.encode(job) for job in jobs]
    present = tracing.traceparent()
    parents = [parent or present for parent in traceparents] or [present] * len(jobs)
    await connection.execute(
        _ENQUEUE,
        [name_of(job) for job in jobs],
        payloads,
        [payload.decode() if unique else None for payload in payloads],
        [msgspec.json.encode({"traceparent": parent}).decode() for parent in parents],
    )
