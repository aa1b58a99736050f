"""Retention: sessions are deleted a week after their end, failed attempts after a day, links when they expire."""

import datetime as dt

from services.chassis.db.postgres import Pool
from services.chassis.jobs.job import Job
from services.identity.domain.attempts import FAILURE_EXPIRY, WINDOW

_DELETE_SESSIONS = "DELETE FROM sessions WHERE least(expires_at, ended_at) < $1"
_DELETE_ATTEMPTS = "DELETE FROM attempts WHERE since <= $1 OR count = 0 AND since <= $2"
_DELETE_LINKS = "DELETE FROM links WHERE expires_at <= $1"
_DELETE_EMAIL_CHANGES = "DELETE FROM email_changes WHERE expires_at <= $1"
_SESSION_RETENTION = dt.timedelta(days=7)


class DeleteExpiredSessions(Job, frozen=True, kw_only=True, tag="delete-expired-sessions"):
    """The job that deletes ended sessions, old attempts and expired links."""


async def delete_expired(pool: Pool, now: dt.datetime) -> None:
    """Delete what has expired."""
    await pool.execute(_DELETE_SESSIONS, now - _SESSION_RETENTION)
    await pool.execute(_DELETE_ATTEMPTS, now - FAILURE_EXPIRY, now - WINDOW)
    await pool.execute(_DELETE_LINKS, now)
    await pool.execute(_DELETE_EMAIL_CHANGES, now)
