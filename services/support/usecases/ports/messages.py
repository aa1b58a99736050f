"""The port of messages to people, and of their causes."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.contracts.support.messages import MessageKind
from services.support.domain.message import CauseRecord, CauseState, MessageRecord, MessageState


class MessageRepository(Protocol):
    """Causes of messages, and their messages."""

    async def add_cause(self, cause: CauseRecord) -> bool:
        """Add a cause; return False if its kind has one with this key."""
        ...

    async def cause(self, cause_id: uuid.UUID) -> CauseRecord | None: ...

    async def lock_cause(self, cause_id: uuid.UUID) -> CauseRecord | None:
        """Return a cause, locked for the transaction."""
        ...

    async def causes_of(self, kind: MessageKind, subject: uuid.UUID) -> Sequence[CauseRecord]:
        """Return the causes of a kind that are about one thing, latest first."""
        ...

    async def put_off(self, cause_id: uuid.UUID, due_at: dt.datetime) -> None:
        """Have the messages of a cause sent at a later time."""
        ...

    async def close_cause(self, cause_id: uuid.UUID, state: CauseState) -> None:
        """Move a cause to a state in which nothing of it is due."""
        ...

    async def reopen_cause(self, cause_id: uuid.UUID, due_at: dt.datetime) -> None:
        """Have the messages of a cause sent from a time on, as if it were new."""
        ...

    async def ids_of(self, cause_id: uuid.UUID) -> Sequence[uuid.UUID]:
        """Return the ids of a cause's messages."""
        ...

    async def add(self, message: MessageRecord) -> bool:
        """Add a message; return False if the recipient has one of this cause."""
        ...

    async def lock_message(self, message_id: uuid.UUID) -> MessageRecord | None:
        """Return a message, locked for the transaction."""
        ...

    async def move(self, message_id: uuid.UUID, state: MessageState) -> None: ...

    async def mark_bounced(self, message_id: uuid.UUID, now: dt.datetime) -> None:
        """Move a message to BOUNCED."""
        ...

    async def count_bounced(self, address: str, since: dt.datetime) -> int:
        """Return the number of messages that came back from an address since a time."""
        ...


class MessageChoiceRepository(Protocol):
    """The choices of people among the kinds of messages."""

    async def of(self, choosers: Collection[str], kind: MessageKind) -> dict[str, bool]:
        """Return the choices of those who have made one about this kind."""
        ...

    async def all_of(self, chooser: str) -> dict[MessageKind, bool]:
        """Return the choices that someone has made."""
        ...

    async def choose(self, chooser: str, kind: MessageKind, *, enabled: bool) -> None: ...
