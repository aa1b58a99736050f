"""PgQueuer as the jobs use it: its settings, its queue manager, and what its errors and its log may hold."""

import contextlib
import datetime as dt
import logging

from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.jobs.queue import CHANNEL

SETTINGS = DBSettings(db_schema="chassis", channel=Channel(CHANNEL))
"""The library's tables lie in the schema ``chassis``; the environment does not move them."""

QueuedJob = Job
"""A job as the library hands it over, with its attempts and headers."""


class _LastingQueries(Queries):
    """The library's statements; a job that can't be put back for another run is not lost."""

    async def retry_job(self, job: Job, delay: dt.timedelta, traceback_record: TracebackRecord | None) -> None:
        """Put a job back. Without a database it stays taken, and is taken again when its last heartbeat is old."""
        # The library answers an error of this statement by the end of the job.
        with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
            await super().retry_job(job, delay, traceback_record)


def queries(pool: Pool) -> Queries:
    """Return the library's statements on the tables of ``SETTINGS``."""
    return _LastingQueries(
        AsyncpgPoolDriver(pool),
        QueryBuilderEnvironment(SETTINGS),
        QueryQueueBuilder(SETTINGS),
        QuerySchedulerBuilder(SETTINGS),
    )


def queue_manager(pool: Pool) -> QueueManager:
    """Return a new queue manager: one that has failed can't run again."""
    logging.getLogger("pgqueuer").addFilter(_is_news)
    return QueueManager(queries(pool), Channel(CHANNEL))


def _is_news(record: logging.LogRecord) -> bool:
    # The runner has logged a job's failure already.
    return not str(record.msg).startswith("Exception while processing")


def run_again(delay_s: float, reason: str) -> RetryRequested:
    """Return the exception that has the library run a job again; ``reason`` is kept in its log."""
    return RetryRequested(dt.timedelta(seconds=delay_s), reason)
