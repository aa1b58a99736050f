"""Sessions with their refresh tokens, in SQL."""

import datetime as dt
import uuid

from services.access import copy
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import to_row
from services.chassis.ids import write_id
from services.identity.domain.session import Session

_COLUMNS = "id, user_id, started_at, expires_at, number, rotated_at, salt, ended_at"
_ADD = f"INSERT INTO sessions ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
_LOCK_BY_ID = f"SELECT {_COLUMNS} FROM sessions WHERE id = $1 FOR UPDATE"
_LOCK_PRESENT_OF = f"""
    SELECT {_COLUMNS} FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY id FOR UPDATE
"""
_SAVE = "UPDATE sessions SET expires_at = $2, number = $3, rotated_at = $4, salt = $5, ended_at = $6 WHERE id = $1"
_FIND_TOKEN = "SELECT session_id, number FROM refresh_tokens WHERE digest = $1"  # noqa: S105
_ADD_TOKEN = "INSERT INTO refresh_tokens (digest, session_id, number) VALUES ($1, $2, $3)"  # noqa: S105


class PostgresSessionRepository:
    """Implements ``usecases.ports.sessions.SessionRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, session: Session, token_digest: bytes) -> None:
        await self._connection.execute(_ADD, *to_row(session))
        await self.add_refresh_token(session, token_digest)

    async def lock_by_id(self, session_id: uuid.UUID) -> Session | None:
        row = await self._connection.fetchrow(_LOCK_BY_ID, session_id)
        return Session(**dict(row)) if row else None

    async def lock_present_of(self, user_id: uuid.UUID, now: dt.datetime) -> list[Session]:
        return [Session(**dict(row)) for row in await self._connection.fetch(_LOCK_PRESENT_OF, user_id, now)]

    async def find_refresh_token(self, token_digest: bytes) -> tuple[uuid.UUID, int] | None:
        row = await self._connection.fetchrow(_FIND_TOKEN, token_digest)
        return (row["session_id"], row["number"]) if row else None

    async def save(self, session: Session) -> None:
        if session.ended_at is not None:
            await copy.end_session(self._connection, write_id("session", session.id))
        await self._connection.execute(
            _SAVE,
            session.id,
            session.expires_at,
            session.number,
            session.rotated_at,
            session.salt,
            session.ended_at,
        )

    async def add_refresh_token(self, session: Session, token_digest: bytes) -> None:
        await self._connection.execute(_ADD_TOKEN, token_digest, session.id, session.number)
