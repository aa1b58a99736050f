"""What is deleted by itself: the log and kept answers after 90 days, the inbox after 100, sent mail and old imports."""

import asyncio
import contextlib
import datetime as dt

from services.chassis.logging import logger
from services.chassis.pause import pause
from services.chassis.postgres import NO_ONES_FAULT, Pool

_log = logger(__name__)

# By the database's clock: how long something was kept is no matter of the operator's day. An event that the broker
# has not acknowledged has no sequence of a past wave, and stays.
_EXPIRE = (
    """DELETE FROM chassis.outbox WHERE written_at < clock_timestamp() - interval '90 days'
       AND sequence <= (SELECT min(sequence) FROM chassis.published_up_to)""",
    "DELETE FROM chassis.answers WHERE answered_at < clock_timestamp() - interval '90 days'",
    "DELETE FROM chassis.mail WHERE sent_at < clock_timestamp() - interval '30 days'",
    "DELETE FROM chassis.imports WHERE staged_at < clock_timestamp() - interval '30 days'",
)
_OLD_DAYS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'chassis.inbox'::regclass AND c.relname < 'inbox_' || to_char($1::date, 'YYYYMMDD')
"""
_EVERY_S = 3600


async def keep_house(pool: Pool, stop: asyncio.Event) -> None:
    """Delete what has expired, now and every hour, until ``stop`` is set."""
    while not stop.is_set():
        with contextlib.suppress(*NO_ONES_FAULT):
            for statement in _EXPIRE:
                await pool.execute(statement)
            oldest = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=100)
            for row in await pool.fetch(_OLD_DAYS, oldest):
                await pool.execute(f"DROP TABLE chassis.{row['relname']}")
                _log.info("inbox day dropped", table=row["relname"])
        await pause(stop, _EVERY_S)
