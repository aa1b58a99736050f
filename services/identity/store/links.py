"""One-time links, in SQL."""

import datetime as dt
import uuid

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row
from services.identity.domain.link import Link, LinkPurpose

_ADD = """
    INSERT INTO links (id, user_id, purpose, digest, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO NOTHING RETURNING true
"""
_DELETE_OTHERS = "DELETE FROM links WHERE user_id = $1 AND purpose = $2 AND id <> $3"
_FIND = "SELECT id, user_id, purpose, expires_at, used_at FROM links WHERE digest = $1"
_MARK_USED = "UPDATE links SET used_at = $2 WHERE id = $1"
_END = "DELETE FROM links WHERE user_id = $1 AND purpose = ANY ($2)"


class PostgresLinkRepository:
    """Implements ``usecases.ports.links.LinkRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, link: Link, digest: bytes) -> bool:
        added = await self._connection.fetchval(
            _ADD, link.id, link.user_id, link.purpose.value, digest, link.expires_at
        )
        if added:
            await self._connection.execute(_DELETE_OTHERS, link.user_id, link.purpose.value, link.id)
        return bool(added)

    async def find(self, digest: bytes) -> Link | None:
        row = await self._connection.fetchrow(_FIND, digest)
        return from_row(Link, row) if row else None

    async def mark_used(self, link_id: uuid.UUID, now: dt.datetime) -> None:
        await self._connection.execute(_MARK_USED, link_id, now)

    async def end(self, user_id: uuid.UUID, *purposes: LinkPurpose) -> None:
        await self._connection.execute(_END, user_id, [purpose.value for purpose in purposes])
