"""The copy of access: a newer version that identity states replaces an older one."""

import datetime as dt
import uuid
from collections.abc import Mapping
from pathlib import Path

import msgspec

from services.access.access_parts import join_access
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.consume.handlers import HandleEvent
from services.chassis.events.copies.rebuild import Copy
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.events.transaction import Transaction
from services.chassis.ids import read_id
from services.contracts.declare import Event
from services.contracts.identity.events import AccessStated, Grant, SessionEnded

ACCESS_MIGRATIONS = Path(__file__).parent / "migrations"
"""The tables of the copy, in every service's database."""

ACCESS_COPY = Copy(AccessStated, "access.subjects", key="subject_id")
"""Every service has it. A subject's grants are deleted with its row."""

_UPSERT_SUBJECT = """
    INSERT INTO access.subjects (subject_id, kind, version, active, scopes) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (subject_id) DO UPDATE
    SET kind = excluded.kind, version = excluded.version, active = excluded.active, scopes = excluded.scopes,
        doubted = false
    WHERE access.subjects.version < excluded.version OR access.subjects.doubted
    RETURNING true
"""
_DELETE_GRANTS = "DELETE FROM access.grants WHERE subject_id = $1"
_INSERT_ENDED_SESSION = "INSERT INTO access.ended_sessions (session_id) VALUES ($1) ON CONFLICT DO NOTHING"
_MAX_TOKEN_LIFETIME = dt.timedelta(hours=1)
"""Longer than the lifetime of any access token, including clock skew."""
DELETE_ENDED_SESSIONS = """
    DELETE FROM access.ended_sessions WHERE session_id IN (
        SELECT session_id FROM access.ended_sessions
        WHERE kept_since < clock_timestamp() - interval '1 hour' LIMIT $1
    )
"""
"""The statement of the retention: deletes ended sessions without valid tokens."""
_INSERT_GRANT = """
    INSERT INTO access.grants (subject_id, organisation_id, role, billing, site_id, until)
    VALUES ($1, $2, $3, $4, $5, $6)
"""


# A part of a known version is not kept: no other part would follow to complete it, and to have it deleted.
_UPSERT_PART = """
    INSERT INTO access.stated_parts (subject_id, version, part, stated)
    SELECT $1, $2, $3, $4
    WHERE NOT EXISTS (SELECT FROM access.subjects WHERE subject_id = $1 AND version >= $2 AND NOT doubted)
    ON CONFLICT (subject_id, version, part) DO UPDATE SET stated = excluded.stated
"""
_SELECT_PARTS = "SELECT stated FROM access.stated_parts WHERE subject_id = $1 AND version = $2"
_DELETE_PARTS = "DELETE FROM access.stated_parts WHERE subject_id = $1 AND version <= $2"


async def upsert_access_part(connection: DatabaseConnection, stated: AccessStated) -> None:
    """Upsert a subject's access as soon as all its parts have arrived, unless the copy is as new already."""
    key = stated.subject_id, stated.version
    parts = [stated]
    if stated.parts > 1:
        await connection.execute(_UPSERT_PART, *key, stated.part, msgspec.json.encode(stated))
        rows = await connection.fetch(_SELECT_PARTS, *key)
        parts = [msgspec.json.decode(row["stated"], type=AccessStated) for row in rows]
    if len(parts) == stated.parts:
        await upsert_access(connection, join_access(parts))
        await connection.execute(_DELETE_PARTS, *key)


async def upsert_access(connection: DatabaseConnection, stated: AccessStated) -> None:
    """Upsert a subject's whole access, unless the copy is as new already."""
    is_newer = await connection.fetchval(
        _UPSERT_SUBJECT, stated.subject_id, stated.kind.value, stated.version, stated.active, stated.scopes
    )
    if not is_newer:
        return
    await connection.execute(_DELETE_GRANTS, stated.subject_id)
    await connection.executemany(
        _INSERT_GRANT,
        [
            (
                stated.subject_id,
                read_id("org", grant.organisation_id) if grant.organisation_id else None,
                grant.role.value if grant.role else None,
                grant.billing,
                site_id,
                grant.until,
            )
            for grant in stated.grants
            for site_id in _site_ids(grant)
        ],
    )


async def end_session(connection: DatabaseConnection, session_id: str) -> None:
    """Revoke the tokens of a session."""
    await connection.execute(_INSERT_ENDED_SESSION, session_id)


def _site_ids(grant: Grant) -> list[uuid.UUID | None]:
    """Return the sites of a grant, one for each row; None stands for all."""
    return [None] if grant.site_ids is None else [read_id("site", site) for site in grant.site_ids]


async def handle_access_stated(tx: Transaction, event: ReceivedEvent[AccessStated]) -> None:
    """Keep a subject's access."""
    await upsert_access_part(tx.connection, event.data)


async def handle_session_ended(tx: Transaction, event: ReceivedEvent[SessionEnded]) -> None:
    """Revoke the tokens of a session that ended, unless all have expired, as when a topic is read again."""
    if event.time > tx.now - _MAX_TOKEN_LIFETIME:
        await end_session(tx.connection, event.data.session_id)


HANDLERS: Mapping[type[Event], HandleEvent[Transaction]] = {
    AccessStated: handle_access_stated,
    SessionEnded: handle_session_ended,
}
"""The handlers of every service that subscribes to identity."""
