"""The port of messages that are held after a restore."""

import datetime as dt
import uuid
from typing import Protocol

from services.support.domain.held_message import HeldMessageRecord


class HeldMessageRepository(Protocol):
    """Held messages by their causes."""

    async def last_restore(self) -> dt.datetime | None:
        """Return the time of the last restore of this database; None if there was none.

        Raise NotReadyYet while it is not known whether the database was restored.
        """
        ...

    async def by_id(self, cause_id: uuid.UUID) -> HeldMessageRecord | None: ...

    async def save(self, held: HeldMessageRecord) -> None:
        """Add held messages, or change those of the cause."""
        ...
