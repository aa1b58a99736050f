"""The port of the copy of invoices."""

from typing import Protocol

from services.identity.domain.organisation import InvoiceCopy


class InvoiceCopyRepository(Protocol):
    """The copies of invoices of a transaction."""

    async def upsert(self, invoice: InvoiceCopy) -> None:
        """Insert or update an invoice, unless its copy is as new already."""
        ...

    async def latest_numbers(self, customer_number: str, dates: int) -> set[str]:
        """Return the numbers of a customer's invoices of so many dates, from the latest on."""
        ...
