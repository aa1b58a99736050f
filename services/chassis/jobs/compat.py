"""PgQueuer as the jobs use it: its settings, its queue manager, and what its errors and its log may hold."""

import datetime as dt
import logging

from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel

from services.chassis.db.postgres import Pool
from services.chassis.jobs.queue import CHANNEL

SETTINGS = DBSettings(db_schema="chassis", channel=Channel(CHANNEL))
"""The library's tables lie in the schema ``chassis``; the environment does not move them."""

QueuedJob = Job
"""A job as the library hands it over, with its attempts and headers."""


def queries(pool: Pool) -> Queries:
    """Return the library's statements on the tables of ``SETTINGS``."""
    return Queries(
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
