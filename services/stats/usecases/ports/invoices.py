"""The port of invoices."""

import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.stats.domain.invoice import InvoiceRecord


class InvoiceRepository(Protocol):
    """Invoices."""

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, InvoiceRecord]:
        """Lock the invoices with these numbers for change."""
        ...

    async def after(self, after: uuid.UUID, limit: int) -> Sequence[InvoiceRecord]:
        """Return the invoices with the next ids, locked against change."""
        ...

    async def save(self, invoices: Sequence[InvoiceRecord]) -> None: ...
