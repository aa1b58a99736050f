"""The port of due receipts."""

import uuid
from typing import Protocol


class ReceiptRepository(Protocol):
    """Receipts that are due: one a ticket until its mail is written."""

    async def add(self, ticket_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Add the receipt of a new ticket."""
        ...

    async def recipient(self, ticket_id: uuid.UUID) -> uuid.UUID | None:
        """Return the user of a due receipt; None if it was completed before."""
        ...

    async def complete(self, ticket_id: uuid.UUID) -> bool:
        """Delete a receipt; return False if it was completed before."""
        ...
