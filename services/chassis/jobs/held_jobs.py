"""Jobs in the queue as staff see them: counts by kind and state, and the jobs that failed too often."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.jobs import queue

_COUNTS = """
    SELECT entrypoint AS name, CASE status WHEN 'failed' THEN 'held' WHEN 'picked' THEN 'running' ELSE 'queued' END
        AS state, count(*) AS count, min(execute_after) AS since
    FROM chassis.pgqueuer GROUP BY 1, 2 ORDER BY 1, 2
"""
_HELD = """
    SELECT id, entrypoint AS name, payload, updated AS since, attempts + 1 AS attempts,
        (SELECT traceback->>'exception_message' FROM chassis.pgqueuer_log l
         WHERE l.job_id = q.id AND traceback IS NOT NULL ORDER BY created DESC LIMIT 1) AS reason
    FROM chassis.pgqueuer q WHERE status = 'failed' ORDER BY id LIMIT $1
"""
# A job with the same key that was enqueued since then does the same work: the held one is not needed any more.
_RETRY = """
    UPDATE chassis.pgqueuer held SET status = 'queued', execute_after = now(), updated = now(), attempts = 0,
        queue_manager_id = NULL
    WHERE status = 'failed' AND (id = $1 OR $1 IS NULL) AND NOT EXISTS (
        SELECT FROM chassis.pgqueuer other
        WHERE other.dedupe_key = held.dedupe_key AND other.status IN ('queued', 'picked')
    )
"""
_DISCARD = "DELETE FROM chassis.pgqueuer WHERE status = 'failed' AND (id = $1 OR $1 IS NULL)"


class JobCount(msgspec.Struct, frozen=True):
    """The jobs of one kind in one state: queued, running or held."""

    name: str
    state: str
    count: int
    since: dt.datetime
    """The time from which on the oldest may run."""


class HeldJob(msgspec.Struct, frozen=True):
    """A job that failed too often."""

    id: int
    name: str
    subject: str
    """The ids of its payload."""
    since: dt.datetime
    attempts: int
    reason: str
    """The class and the place of its last error."""


async def counts(connection: DatabaseConnection) -> Sequence[JobCount]:
    """Return the jobs in the queue, by kind and state."""
    return [JobCount(**dict(row)) for row in await connection.fetch(_COUNTS)]


async def held(connection: DatabaseConnection, limit: int) -> Sequence[HeldJob]:
    """Return the held jobs, oldest first."""
    return [
        HeldJob(row["id"], row["name"], _subject(row["payload"]), row["since"], row["attempts"], row["reason"] or "")
        for row in await connection.fetch(_HELD, limit)
    ]


async def retry(connection: DatabaseConnection, job_id: int | None) -> int:
    """Run one held job again, or all (None), as if they were new; return their number."""
    changed = _number(await connection.execute(_RETRY, job_id))
    await connection.execute(queue.WAKE_UP)
    return changed


async def discard(connection: DatabaseConnection, job_id: int | None) -> int:
    """Delete one held job, or all (None); return their number."""
    return _number(await connection.execute(_DISCARD, job_id))


def _subject(payload: bytes | None) -> str:
    values = msgspec.json.decode(payload or b"{}", type=dict[str, Any])
    return " ".join(f"{name}={value}" for name, value in values.items() if name != "type")


def _number(status: str) -> int:
    return int(status.rpartition(" ")[2])
