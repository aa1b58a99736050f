"""The chain of the audit log: batches of rows, each with a digest over its rows and the batch before it.

No row may appear later among rows that are chained already. A transaction has its id before it draws a position, so all
that drew one up to P are older than a transaction that begins after P was read. The job reads P, draws an id, and waits
until every older transaction has ended: then each row up to P is committed, or never will be.
"""

import datetime as dt
import time

from services.chassis.audit import digests
from services.chassis.db.postgres import Pool
from services.chassis.jobs.job import Job, JobHandler, JobRun, RunAgain
from services.chassis.jobs.schedule import Recurring
from services.chassis.runtime.pause import pause
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

CHAIN_INTERVAL = dt.timedelta(minutes=5)
BATCH_SIZE = 1000
"""Rows of a batch at most."""
_POLL_S = 0.05
_MAX_WAIT_S = 30.0
"""The time for which one run waits for older transactions. A statement has as long, and an idle transaction less."""

FIRST_POSITION = -(2**63)
"""A position before all others."""

_UNCHAINED_UP_TO = """
    SELECT last_value FROM chassis.audit_positions WHERE is_called AND last_value > coalesce((
        SELECT positions[cardinality(positions)] FROM chassis.audit_batches ORDER BY number DESC LIMIT 1
    ), 0)
"""
_OWN_TRANSACTION = "SELECT pg_current_xact_id()::text"
_OLDER_HAVE_ENDED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('chassis.audit_batches', 0))"
_LAST_BATCH = """
    SELECT number, positions[cardinality(positions)] AS position, digest FROM chassis.audit_batches
    ORDER BY number DESC LIMIT 1
"""
_ROWS = f"""
    SELECT {digests.COLUMNS} FROM chassis.audit WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""
_ADD_BATCH = "INSERT INTO chassis.audit_batches (number, positions, row_digests, digest) VALUES ($1, $2, $3, $4)"


class ChainAudit(Job, frozen=True, kw_only=True, tag="chain-audit"):
    """The job that chains the rows of a service's audit log that are not chained yet."""


CHAIN_RECURRING = Recurring(job=ChainAudit(), every=CHAIN_INTERVAL)


def chain_handler(pool: Pool) -> JobHandler[ChainAudit]:
    """Return the handler of the job. A run that is interrupted has chained whole batches, and the next one goes on."""

    async def run(job: ChainAudit, run: JobRun) -> None:
        await chain_audit(pool, run)

    return JobHandler(ChainAudit, run, concurrency=1, held=False)


async def chain_audit(pool: Pool, run: JobRun) -> None:
    """Chain the rows that are settled. Raises RunAgain if older transactions take too long, or the process stops."""
    up_to = await _settled_position(pool, run)
    while up_to is not None and await _chain_batch(pool, up_to):
        if run.stop.is_set():
            raise RunAgain


async def _settled_position(pool: Pool, run: JobRun) -> int | None:
    """Return a position at or before which no further row can appear; None if nothing is left to chain."""
    async with pool.acquire() as connection, connection.transaction():
        # In this order: every transaction that drew a position up to this one is older than ours.
        up_to: int | None = await connection.fetchval(_UNCHAINED_UP_TO)
        if up_to is None:
            return None
        ours: str = await connection.fetchval(_OWN_TRANSACTION)
    deadline = time.monotonic() + _MAX_WAIT_S
    while not await pool.fetchval(_OLDER_HAVE_ENDED, ours):
        if run.stop.is_set() or time.monotonic() > deadline:
            raise RunAgain(1)
        await pause(run.stop, _POLL_S)
    return up_to


async def _chain_batch(pool: Pool, up_to: int) -> bool:
    """Chain the next rows up to a position; return whether there were some."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK)
        last = await connection.fetchrow(_LAST_BATCH)
        number, after, previous = last or (0, FIRST_POSITION, b"")
        rows = await connection.fetch(_ROWS, after, up_to, BATCH_SIZE)
        if not rows:
            return False
        positions, row_digests = [row["position"] for row in rows], [digests.row_digest(row) for row in rows]
        digest = digests.batch_digest(number + 1, positions, row_digests, previous)
        await connection.execute(_ADD_BATCH, number + 1, positions, row_digests, digest)
    # A log that is kept elsewhere proves which chain there was: whoever owns the database can write it anew.
    _log.info("audit chained", batch=number + 1, rows=len(rows), digest=digest.hex())
    return True
