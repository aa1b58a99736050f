"""The port of changes of address."""

import uuid
from typing import Protocol

from services.identity.domain.email_change import EmailChange


class EmailChangeRepository(Protocol):
    """The changes of address of a transaction. Their user is locked before they change."""

    async def of(self, user_id: uuid.UUID) -> EmailChange | None:
        """Return a user's change, which may have expired."""
        ...

    async def save(self, change: EmailChange) -> None:
        """Insert or update a user's change."""
        ...

    async def delete(self, user_id: uuid.UUID) -> None:
        """Delete a user's change, if there is one."""
        ...
