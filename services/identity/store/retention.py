"""Retention: sessions for a week, failed attempts for a day, links until they expire, invited addresses for a year."""

import datetime as dt

from services.chassis.db.postgres import Pool
from services.chassis.jobs.job import Job
from services.identity.domain.attempts import FAILURE_EXPIRY, WINDOW
from services.identity.domain.invitation import EMAIL_RETENTION

_DELETE_SESSIONS = "DELETE FROM sessions WHERE least(expires_at, ended_at) < $1"
_DELETE_ATTEMPTS = "DELETE FROM attempts WHERE since <= $1 OR count = 0 AND since <= $2"
_DELETE_LINKS = "DELETE FROM links WHERE expires_at <= $1"
_DELETE_EMAIL_CHANGES = "DELETE FROM email_changes WHERE expires_at <= $1"
_CLEAR_INVITATIONS = "UPDATE invitations SET email = '' WHERE invited_at <= $1 AND email <> ''"
_SESSION_RETENTION = dt.timedelta(days=7)


class DeleteExpiredSessions(Job, frozen=True, kw_only=True, tag="delete-expired-sessions"):
    """The job that deletes ended sessions, old attempts, expired links and old addresses."""


async def delete_expired(pool: Pool, now: dt.datetime) -> None:
    """Delete what has expired."""
    await pool.execute(_DELETE_SESSIONS, now - _SESSION_RETENTION)
    await pool.execute(_DELETE_ATTEMPTS, now - FAILURE_EXPIRY, now - WINDOW)
    await pool.execute(_DELETE_LINKS, now)
    await pool.execute(_DELETE_EMAIL_CHANGES, now)
    await pool.execute(_CLEAR_INVITATIONS, now - EMAIL_RETENTION)
