"""Retention: the event log and stored results for 90 days, the inbox for 100, mail and imports for 30, jobs for 7."""

import asyncio
import datetime as dt
from collections.abc import Sequence

from services.chassis.db.acknowledgement import ACKNOWLEDGED_SEQUENCE
from services.chassis.db.postgres import Pool
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

# Ages are by the database's clock, which Kierto's own clock does not move. Each statement is repeated until it deletes
# no row, $1 rows at a time, so that other transactions wait for short locks only.
#
# The log is cut before its first event that has not expired, so that it keeps no gaps, and only of what the present
# cluster has acknowledged.
_DELETE_EXPIRED = (
    f"""
    DELETE FROM chassis.outbox WHERE sequence IN (
        SELECT sequence FROM chassis.outbox
        WHERE sequence < coalesce((
            SELECT sequence FROM chassis.outbox
            WHERE sequence IS NOT NULL AND written_at >= clock_timestamp() - interval '90 days'
            ORDER BY sequence LIMIT 1
        ), (SELECT last_sequence + 1 FROM chassis.leader))
        AND sequence <= {ACKNOWLEDGED_SEQUENCE}
        ORDER BY sequence LIMIT $1
    )
    """,
    """
    DELETE FROM chassis.answers WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM chassis.answers WHERE answered_at < clock_timestamp() - interval '90 days' LIMIT $1
    ))
    """,
    """
    DELETE FROM chassis.mail WHERE id IN (
        SELECT id FROM chassis.mail
        WHERE coalesce(sent_at, given_up_at) < clock_timestamp() - interval '30 days' LIMIT $1
    )
    """,
    """
    DELETE FROM chassis.pgqueuer_log WHERE id IN (
        SELECT id FROM chassis.pgqueuer_log WHERE created < clock_timestamp() - interval '7 days'
        ORDER BY created LIMIT $1
    )
    """,
    """
    DELETE FROM chassis.import_rows WHERE (import_id, line) IN (
        SELECT r.import_id, r.line FROM chassis.imports i JOIN chassis.import_rows r ON r.import_id = i.id
        WHERE i.staged_at < clock_timestamp() - interval '30 days' LIMIT $1
    )
    """,
    """
    DELETE FROM chassis.removals WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM chassis.removals WHERE removed_at < clock_timestamp() - interval '91 days' LIMIT $1
    ))
    """,
    # Their rows are deleted before: a statement has no time for millions of them.
    """
    DELETE FROM chassis.imports WHERE id IN (
        SELECT id FROM chassis.imports WHERE staged_at < clock_timestamp() - interval '30 days' LIMIT $1
    )
    """,
)
_BATCH_ROWS = 5000
_DROP_INBOX_PARTITIONS = "SELECT chassis.drop_inbox_partitions($1) AS name"


async def delete_expired(pool: Pool, stop: asyncio.Event, more: Sequence[str] = ()) -> None:
    """Delete expired rows until none is left or ``stop`` is set; ``more`` are a service's own statements."""
    for statement in (*_DELETE_EXPIRED, *more):
        await delete_in_batches(pool, stop, statement, _BATCH_ROWS)
    oldest = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=100)
    for row in await pool.fetch(_DROP_INBOX_PARTITIONS, oldest):
        _log.info("inbox partition dropped", table=row["name"])


async def delete_in_batches(pool: Pool, stop: asyncio.Event, statement: str, *values: object) -> None:
    """Repeat a statement, which deletes some rows, until none is left or ``stop`` is set."""
    while not stop.is_set() and await pool.execute(statement, *values) != "DELETE 0":
        pass
