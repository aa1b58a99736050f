"""Retention: causes of messages are deleted after thirteen months, with their messages."""

import asyncio
import datetime as dt

from services.chassis.db.postgres import Pool
from services.chassis.db.retention import delete_in_batches
from services.chassis.jobs.job import Job

MESSAGE_RETENTION = dt.timedelta(days=396)
"""Thirteen months, of which none is longer than 31 days."""

# Messages, and those that are held, are deleted with their cause.
_DELETE_CAUSES = """
    DELETE FROM message_causes WHERE id IN (
        SELECT id FROM message_causes WHERE at < $1 AND due_at IS NULL ORDER BY at LIMIT $2
    )
"""
_BATCH_ROWS = 500


class DeleteExpiredMessages(Job, frozen=True, kw_only=True, tag="delete-expired-messages"):
    """The job that deletes the causes of messages and the messages whose time is over."""


async def delete_expired(pool: Pool, now: dt.datetime, stop: asyncio.Event) -> None:
    """Delete what has expired, until ``stop`` is set."""
    await delete_in_batches(pool, stop, _DELETE_CAUSES, now - MESSAGE_RETENTION, _BATCH_ROWS)
