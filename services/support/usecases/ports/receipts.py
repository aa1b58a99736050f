"""The port of due receipts."""

import uuid
from typing import Protocol

from services.support.domain.receipt import DueReceipt


class ReceiptRepository(Protocol):
    """Receipts that are due: one a ticket until its mail is written."""

    async def add(self, ticket_id: uuid.UUID, user_id: uuid.UUID) -> None:
        """Add the receipt of a new ticket, due at once."""
        ...

    async def claim(self, seconds: int) -> DueReceipt | None:
        """Claim the receipt that has been due the longest; no other claim returns it for these seconds."""
        ...

    async def postpone(self, ticket_id: uuid.UUID, seconds: int) -> None:
        """Make a receipt due again after these seconds."""
        ...

    async def complete(self, ticket_id: uuid.UUID) -> bool:
        """Delete a receipt; return False if it was completed before."""
        ...
