"""Messages to people, their causes, and people's choices in PostgreSQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.contracts.support.messages import MessageKind
from services.support.domain.message import CauseRecord, CauseState, MessageRecord, MessageState

_CAUSE_COLUMNS = "id, kind, key, subject, organisation_id, site_id, day, recipient, at, first_due_at, due_at, state"
_ADD_CAUSE = f"""
    INSERT INTO message_causes ({_CAUSE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (kind, key) DO NOTHING RETURNING true
"""
_CAUSE = f"SELECT {_CAUSE_COLUMNS} FROM message_causes WHERE id = $1"
_LOCK_CAUSE = f"{_CAUSE} FOR UPDATE"
_CAUSES_OF = f"SELECT {_CAUSE_COLUMNS} FROM message_causes WHERE kind = $1 AND subject = $2 ORDER BY at DESC, key DESC"
_PUT_OFF = "UPDATE message_causes SET due_at = $2 WHERE id = $1"
_CLOSE = "UPDATE message_causes SET due_at = NULL, state = $2 WHERE id = $1"
_REOPEN = "UPDATE message_causes SET first_due_at = $2, due_at = $2, state = 'DUE' WHERE id = $1"
DUE_CAUSES = "SELECT id FROM message_causes WHERE due_at <= $1 ORDER BY due_at LIMIT $2"
"""The query of the schedule for the causes whose messages are due."""

_IDS_OF_CAUSE = "SELECT id FROM messages WHERE cause_id = $1 ORDER BY id"
_MESSAGE_COLUMNS = "id, cause_id, recipient, address, state, written_at, bounced_at"
_ADD = f"""
    INSERT INTO messages ({_MESSAGE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (cause_id, recipient) DO NOTHING RETURNING true
"""
_LOCK_MESSAGE = f"SELECT {_MESSAGE_COLUMNS} FROM messages WHERE id = $1 FOR UPDATE"
_MOVE = "UPDATE messages SET state = $2 WHERE id = $1"
_MARK_BOUNCED = "UPDATE messages SET state = 'BOUNCED', bounced_at = $2 WHERE id = $1"
_COUNT_BOUNCED = "SELECT count(*) FROM messages WHERE address = $1 AND bounced_at > $2"

_CHOICES = "SELECT chooser, enabled FROM message_choices WHERE chooser = ANY ($1) AND kind = $2"
_CHOICES_OF = "SELECT kind, enabled FROM message_choices WHERE chooser = $1"
_CHOOSE = """
    INSERT INTO message_choices (chooser, kind, enabled) VALUES ($1, $2, $3)
    ON CONFLICT (chooser, kind) DO UPDATE SET enabled = excluded.enabled
"""


class PostgresMessageRepository:
    """Implements ``usecases.ports.messages.MessageRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add_cause(self, cause: CauseRecord) -> bool:
        return bool(await self._connection.fetchval(_ADD_CAUSE, *to_row(cause)))

    async def cause(self, cause_id: uuid.UUID) -> CauseRecord | None:
        row = await self._connection.fetchrow(_CAUSE, cause_id)
        return from_row(CauseRecord, row) if row else None

    async def lock_cause(self, cause_id: uuid.UUID) -> CauseRecord | None:
        row = await self._connection.fetchrow(_LOCK_CAUSE, cause_id)
        return from_row(CauseRecord, row) if row else None

    async def causes_of(self, kind: MessageKind, subject: uuid.UUID) -> Sequence[CauseRecord]:
        rows = await self._connection.fetch(_CAUSES_OF, kind.value, subject)
        return [from_row(CauseRecord, row) for row in rows]

    async def put_off(self, cause_id: uuid.UUID, due_at: dt.datetime) -> None:
        await self._connection.execute(_PUT_OFF, cause_id, due_at)

    async def close_cause(self, cause_id: uuid.UUID, state: CauseState) -> None:
        await self._connection.execute(_CLOSE, cause_id, state.value)

    async def reopen_cause(self, cause_id: uuid.UUID, due_at: dt.datetime) -> None:
        await self._connection.execute(_REOPEN, cause_id, due_at)

    async def ids_of(self, cause_id: uuid.UUID) -> Sequence[uuid.UUID]:
        return [row["id"] for row in await self._connection.fetch(_IDS_OF_CAUSE, cause_id)]

    async def add(self, message: MessageRecord) -> bool:
        return bool(await self._connection.fetchval(_ADD, *to_row(message)))

    async def lock_message(self, message_id: uuid.UUID) -> MessageRecord | None:
        row = await self._connection.fetchrow(_LOCK_MESSAGE, message_id)
        return from_row(MessageRecord, row) if row else None

    async def move(self, message_id: uuid.UUID, state: MessageState) -> None:
        await self._connection.execute(_MOVE, message_id, state.value)

    async def mark_bounced(self, message_id: uuid.UUID, now: dt.datetime) -> None:
        await self._connection.execute(_MARK_BOUNCED, message_id, now)

    async def count_bounced(self, address: str, since: dt.datetime) -> int:
        return int(await self._connection.fetchval(_COUNT_BOUNCED, address, since))


class PostgresMessageChoiceRepository:
    """Implements ``usecases.ports.messages.MessageChoiceRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def of(self, choosers: Collection[str], kind: MessageKind) -> dict[str, bool]:
        rows = await self._connection.fetch(_CHOICES, list(choosers), kind.value)
        return {row["chooser"]: row["enabled"] for row in rows}

    async def all_of(self, chooser: str) -> dict[MessageKind, bool]:
        rows = await self._connection.fetch(_CHOICES_OF, chooser)
        return {MessageKind(row["kind"]): row["enabled"] for row in rows}

    async def choose(self, chooser: str, kind: MessageKind, *, enabled: bool) -> None:
        await self._connection.execute(_CHOOSE, chooser, kind.value, enabled)
